import { crc32, deflateRawSync } from 'node:zlib';

/**
 * A member of an archive that is built byte by byte: an honest one from a name and its content, and
 * every lie that a directory, a header or an end record can have. What is not given is right.
 */
export interface ZipMember {
  /** As bytes if it is not UTF-8. */
  readonly name: string | Buffer;
  /** Unpacked. Default: empty. */
  readonly content?: string | Buffer;
  /** Default 8, deflated; 0 stores. Others are only declared. */
  readonly method?: number;
  /** The member's bytes in the archive, instead of the packed content. */
  readonly packed?: Buffer;
  /** Default: 0x800 (UTF-8) where a string name is not ASCII; 0x8 is added where there is a descriptor. */
  readonly flags?: number;
  /** Unix mode with its type bits, from a Unix host. Default: none. */
  readonly mode?: number;
  /** The system it was made on (APPNOTE 4.4.2.2). Default: 3 (Unix) with a mode, else 0 (MS-DOS). */
  readonly host?: number;
  /** DOS attributes. */
  readonly attributes?: number;
  readonly date?: number;
  readonly time?: number;
  /** Declared in both headers. */
  readonly crc32?: number;
  readonly compressedSize?: number;
  readonly size?: number;
  /** Extra fields of both headers; the header's own come before. */
  readonly extra?: Buffer;
  readonly comment?: Buffer;
  /** Only in the header in front of the bytes. */
  readonly local?: HeaderLies;
  /** Only in the directory. */
  readonly central?: HeaderLies & { readonly headerStart?: number; readonly disk?: number };
  /** Sizes and offset in a zip64 field, in both headers. */
  readonly zip64?: boolean;
  /** Behind the bytes; the sizes in the local header are zero then. `missing`: announced, not there. */
  readonly descriptor?: 'signed' | 'plain' | 'zip64' | 'missing' | Buffer;
  /** Bytes in front of the header that belong to no member. */
  readonly gapBefore?: Buffer;
  /** Only in the directory, or only in front of it. */
  readonly only?: 'directory' | 'bytes';
}

interface HeaderLies {
  readonly name?: string | Buffer;
  readonly method?: number;
  readonly flags?: number;
  readonly crc32?: number;
  readonly compressedSize?: number;
  readonly size?: number;
  readonly extra?: Buffer;
}

export interface ZipShape {
  readonly prefix?: Buffer;
  readonly gapBeforeDirectory?: Buffer;
  readonly gapAfterDirectory?: Buffer;
  readonly comment?: Buffer;
  readonly trailing?: Buffer;
  /** Do the offsets count from the first byte of the file, as after `zip -A`? Default: no. */
  readonly offsetsCountPrefix?: boolean;
  readonly end?: Partial<EndFields>;
  /** With a zip64 end record; the plain one's fields are filled with ones, unless `end` overrides them. */
  readonly zip64?: boolean | Partial<Zip64Fields>;
}

interface EndFields {
  readonly disk: number;
  readonly directoryDisk: number;
  readonly countHere: number;
  readonly count: number;
  readonly directoryBytes: number;
  readonly directoryStart: number;
  readonly commentLength: number;
}

interface Zip64Fields {
  readonly count: bigint;
  readonly directoryBytes: bigint;
  readonly directoryStart: bigint;
  /** Extensible data behind the fixed fields. */
  readonly data: Buffer;
  /** Declared by the locator. */
  readonly recordAt: bigint;
  /** Leaves the record out, and keeps the locator. */
  readonly without: boolean;
}

export function buildZip(members: readonly ZipMember[], shape: ZipShape = {}): Buffer {
  const { prefix = Buffer.alloc(0), offsetsCountPrefix = false } = shape;
  const parts: Buffer[] = [prefix];
  const headers: Buffer[] = [];
  let at = prefix.length;
  const base = offsetsCountPrefix ? 0 : prefix.length;
  const put = (...bytes: readonly Buffer[]) => {
    for (const each of bytes) {
      parts.push(each);
      at += each.length;
    }
  };
  for (const member of members) {
    const facts = factsOf(member);
    if (member.only !== 'directory') put(member.gapBefore ?? Buffer.alloc(0));
    const headerStart = member.central?.headerStart ?? at - base;
    if (member.only !== 'bytes') headers.push(centralHeader(facts, headerStart));
    if (member.only === 'directory') continue;
    put(localHeader(facts), facts.packed, descriptorOf(facts));
  }
  put(shape.gapBeforeDirectory ?? Buffer.alloc(0));
  const directoryStart = at - base;
  const directory = Buffer.concat(headers);
  put(directory, shape.gapAfterDirectory ?? Buffer.alloc(0));
  const honest = { count: headers.length, directoryBytes: directory.length, directoryStart };
  if (shape.zip64 !== undefined && shape.zip64 !== false) {
    put(zip64Records(at - base, honest, shape.zip64 === true ? {} : shape.zip64));
  }
  put(endRecord(honest, shape), shape.trailing ?? Buffer.alloc(0));
  return Buffer.concat(parts);
}

interface Facts {
  readonly member: ZipMember;
  readonly name: Buffer;
  readonly method: number;
  readonly flags: number;
  readonly packed: Buffer;
  readonly crc32: number;
  readonly compressedSize: number;
  readonly size: number;
}

function factsOf(member: ZipMember): Facts {
  const content = toBytes(member.content ?? '');
  const method = member.method ?? 8;
  const packed = member.packed ?? (method === 8 ? deflateRawSync(content) : content);
  const isPlain = typeof member.name !== 'string' || /^[ -~]*$/.test(member.name);
  return {
    member,
    name: toBytes(member.name),
    method,
    flags: (member.flags ?? (isPlain ? 0 : 0x800)) | (member.descriptor === undefined ? 0 : 8),
    packed,
    crc32: member.crc32 ?? crc32(content),
    compressedSize: member.compressedSize ?? packed.length,
    size: member.size ?? content.length,
  };
}

function toBytes(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text;
}

function localHeader(facts: Facts): Buffer {
  const { member } = facts;
  const isLater = member.descriptor !== undefined;
  const left = isLater ? { crc32: 0, compressedSize: 0, size: 0 } : {};
  const declared = withLies({ ...facts, ...left }, member.local);
  const wide = member.zip64 === true && !isLater;
  const fields = Buffer.concat([
    wide ? extraField(1, [u64(declared.size), u64(declared.compressedSize)]) : u(),
    declared.extra,
  ]);
  return Buffer.concat([
    u32(0x04034b50),
    sharedFields(declared, fields, { member, wide }),
    declared.name,
    fields,
  ]);
}

function centralHeader(facts: Facts, headerStart: number): Buffer {
  const { member } = facts;
  const declared = withLies(facts, member.central);
  const wide = member.zip64 === true;
  const sizes = [u64(declared.size), u64(declared.compressedSize), u64(headerStart)];
  const fields = Buffer.concat([wide ? extraField(1, sizes) : u(), declared.extra]);
  const comment = member.comment ?? u();
  return Buffer.concat([
    u32(0x02014b50),
    u16(((member.host ?? (member.mode === undefined ? 0 : 3)) << 8) | 20),
    sharedFields(declared, fields, { member, wide }),
    u16(comment.length),
    u16(member.central?.disk ?? 0),
    u16(0),
    u32((((member.mode ?? 0) << 16) | (member.attributes ?? 0)) >>> 0),
    u32(wide ? 0xffffffff : headerStart),
    declared.name,
    fields,
    comment,
  ]);
}

/** What both headers have in the same order: from the needed version to the length of the fields. */
function sharedFields(
  { flags, method, crc32, compressedSize, size, name }: ReturnType<typeof withLies>,
  fields: Buffer,
  { member, wide }: { readonly member: ZipMember; readonly wide: boolean },
): Buffer {
  return Buffer.concat([
    u16(20),
    u16(flags),
    u16(method),
    u16(member.time ?? 0x6000),
    u16(member.date ?? 0x5275),
    u32(crc32),
    u32(wide ? 0xffffffff : compressedSize),
    u32(wide ? 0xffffffff : size),
    u16(name.length),
    u16(fields.length),
  ]);
}

function withLies(facts: Omit<Facts, 'packed'>, lies: HeaderLies = {}) {
  const { member } = facts;
  return {
    name: lies.name === undefined ? facts.name : toBytes(lies.name),
    method: lies.method ?? facts.method,
    flags: lies.flags ?? facts.flags,
    crc32: lies.crc32 ?? facts.crc32,
    compressedSize: lies.compressedSize ?? facts.compressedSize,
    size: lies.size ?? facts.size,
    extra: lies.extra ?? member.extra ?? u(),
  };
}

function descriptorOf({ member, crc32, compressedSize, size }: Facts): Buffer {
  const { descriptor = 'missing' } = member;
  if (typeof descriptor !== 'string') return descriptor;
  switch (descriptor) {
    case 'missing':
      return u();
    case 'plain':
      return Buffer.concat([u32(crc32), u32(compressedSize), u32(size)]);
    case 'signed':
      return Buffer.concat([u32(0x08074b50), u32(crc32), u32(compressedSize), u32(size)]);
    case 'zip64':
      return Buffer.concat([u32(0x08074b50), u32(crc32), u64(compressedSize), u64(size)]);
  }
}

type Honest = Pick<EndFields, 'count' | 'directoryBytes' | 'directoryStart'>;

/** @param at the record's offset */
function zip64Records(at: number, honest: Honest, lies: Partial<Zip64Fields>): Buffer {
  const { data = u() } = lies;
  const count = u64(lies.count ?? honest.count);
  const record = Buffer.concat([
    u32(0x06064b50),
    u64(44 + data.length),
    u16(45),
    u16(45),
    u32(0),
    u32(0),
    count,
    count,
    u64(lies.directoryBytes ?? honest.directoryBytes),
    u64(lies.directoryStart ?? honest.directoryStart),
    data,
  ]);
  const locator = [u32(0x07064b50), u32(0), u64(lies.recordAt ?? at), u32(1)];
  return Buffer.concat([lies.without === true ? u() : record, ...locator]);
}

export function endRecord(honest: Honest, shape: ZipShape = {}): Buffer {
  const { comment = u(), end = {} } = shape;
  const isFull = shape.zip64 !== undefined && shape.zip64 !== false;
  const full = { count: 0xffff, directoryBytes: 0xffffffff, directoryStart: 0xffffffff };
  const declared = { ...(isFull ? full : honest), ...end };
  return Buffer.concat([
    u32(0x06054b50),
    u16(declared.disk ?? 0),
    u16(declared.directoryDisk ?? 0),
    u16((declared.countHere ?? declared.count) & 0xffff),
    u16(declared.count & 0xffff),
    u32(declared.directoryBytes),
    u32(declared.directoryStart),
    u16(declared.commentLength ?? comment.length),
    comment,
  ]);
}

/** An extra field (APPNOTE 4.5). */
export function extraField(id: number, parts: readonly Buffer[]): Buffer {
  const data = Buffer.concat(parts);
  return Buffer.concat([u16(id), u16(data.length), data]);
}

/** Info-ZIP's Unicode path field. @param plainName the name it is made for */
export function unicodePath(path: string, plainName: string | Buffer): Buffer {
  return extraField(0x7075, [Buffer.from([1]), u32(crc32(toBytes(plainName))), Buffer.from(path)]);
}

function u(): Buffer {
  return Buffer.alloc(0);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
