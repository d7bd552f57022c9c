import { promisify } from 'node:util';
import { crc32, deflateRaw } from 'node:zlib';

const deflate = promisify(deflateRaw);

export interface ZipMember {
  /** With `/`; a folder's ends in one. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ZipOptions {
  /** Default `deflate`. */
  readonly method?: 'deflate' | 'store' | undefined;
  /** 1 to 9, of deflate. Default 6. */
  readonly level?: number | undefined;
}

/** 21 March 2021, 00:00:00, in the two words of a DOS date: the same members, the same bytes. */
const DOS_DATE = ((2021 - 1980) << 9) | (3 << 5) | 21;
const DOS_TIME = 0;
const UTF8_NAME = 0x0800;
const UNIX = 3 << 8;
const VERSION = 20;

/**
 * A plain zip, a member at a time: nothing but one member is ever held (APPNOTE.TXT 4.3; no zip64).
 * @throws RangeError for more than 65,534 members or 4 GiB
 */
export async function* zipChunks(
  members: Iterable<ZipMember> | AsyncIterable<ZipMember>,
  options: ZipOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  const directory: Buffer[] = [];
  let offset = 0;
  for await (const member of members) {
    const name = Buffer.from(member.name);
    const { method, content } = await pack(member, options);
    const common = commonFields(name, { method, bytes: member.bytes, packed: content.length });
    const local = Buffer.concat([le32(0x04034b50), common, le16(0), name]);
    yield local;
    yield content;
    directory.push(directoryEntry(common, name, offset));
    offset += local.length + content.length;
    if (offset > 0xffff_fffe || directory.length > 0xfffe) {
      throw new RangeError('too large for a zip without zip64');
    }
  }
  const entries = Buffer.concat(directory);
  yield entries;
  yield endRecord(directory.length, entries.length, offset);
}

async function pack({ name, bytes }: ZipMember, { method = 'deflate', level = 6 }: ZipOptions) {
  if (method === 'store' || name.endsWith('/')) return { method: 0, content: Buffer.from(bytes) };
  return { method: 8, content: await deflate(bytes, { level }) };
}

/** From "version needed" to the length of the name: alike in local header and directory. */
function commonFields(
  name: Buffer,
  data: { readonly method: number; readonly bytes: Uint8Array; readonly packed: number },
): Buffer {
  const isAscii = name.every((byte) => byte < 0x80);
  return Buffer.concat([
    le16(VERSION, isAscii ? 0 : UTF8_NAME, data.method, DOS_TIME, DOS_DATE),
    le32(crc32(data.bytes), data.packed, data.bytes.length),
    le16(name.length),
  ]);
}

function directoryEntry(common: Buffer, name: Buffer, offset: number): Buffer {
  const isFolder = name.at(-1) === 0x2f;
  const mode = isFolder ? 0o40755 : 0o100644;
  return Buffer.concat([
    le32(0x02014b50),
    le16(UNIX | VERSION),
    common,
    // No extra field, no comment, disk 0, binary content.
    le16(0, 0, 0, 0),
    le32(mode * 0x1_0000 + (isFolder ? 0x10 : 0), offset),
    name,
  ]);
}

function endRecord(members: number, directoryBytes: number, offset: number): Buffer {
  return Buffer.concat([
    le32(0x06054b50),
    le16(0, 0, members, members),
    le32(directoryBytes, offset),
    le16(0),
  ]);
}

function le16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16LE(value, index * 2);
  return bytes;
}

function le32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4);
  return bytes;
}
