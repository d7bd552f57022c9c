import { isAscii } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { crc32 } from 'node:zlib';
import { getFileNameLowLevel } from 'yauzl';
import { HERE } from './entry.ts';
import { CONTROLS, SHARE } from './names.ts';
import type { Reason } from './report.ts';

/** A member's name as bytes of the directory, with the fields that determine how it is read. */
export interface RawName {
  readonly bytes: Buffer;
  /** The flag that declares UTF-8. */
  readonly isUtf8: boolean;
  /** The data of an Info-ZIP Unicode path field (0x7075); undefined: there is none. */
  readonly unicodePath: Buffer | undefined;
  /** The system it was made on (APPNOTE 4.4.2.2). */
  readonly host: number;
}

export interface DecodedName {
  /** With `/` between its parts, and none of them empty or `.`. */
  readonly name: string;
  /** Why the name can't be trusted. */
  readonly problem?: Reason | undefined;
  /** Harmless oddities. */
  readonly warnings: readonly string[];
}

/** A name as it is written, before its path is brought into one form. */
interface Written {
  readonly name: string;
  readonly problem?: Reason | undefined;
  readonly warning?: string | undefined;
}

/** Decodes a member's name, and reads its path as unpackers do. */
export function decodeName(raw: RawName): DecodedName {
  const { name, problem, warning } = readWritten(raw);
  const { name: path, warnings } = normalize(name, raw.host);
  return {
    name: path,
    problem,
    warnings: warning === undefined ? warnings : [warning, ...warnings],
  };
}

/**
 * The field is the name where it was made for this plain name, unless that is declared as UTF-8, or one
 * of the two is a folder's.
 */
function readWritten({ bytes, isUtf8, unicodePath }: RawName): Written {
  const own = isUtf8 ? decodeDeclaredUtf8(bytes) : decodeUnmarked(bytes);
  if (unicodePath === undefined) return own;
  const name = parseUnicodePath(unicodePath, bytes);
  if (name === undefined) return { ...own, warning: 'has a Unicode path field that is ignored' };
  if (name === own.name) return own;
  if (isUtf8 || name.endsWith('/') !== own.name.endsWith('/')) {
    const text = 'has a second, different name (Unicode path field)';
    return { ...own, problem: own.problem ?? { code: 'second-name', text } };
  }
  // An unpacker that ignores the field would follow the plain name.
  if (own.name.split(/[/\\]/).includes('..')) return own;
  return { name, warning: 'has its name in a Unicode path field' };
}

/** MS-DOS, NTFS (by the format, and as Info-ZIP numbers it), VFAT. */
const BACKSLASH_HOSTS: ReadonlySet<number> = new Set([0, 10, 11, 14]);

/**
 * The one form of the spellings that every unpacker reads alike: backslashes from systems where they
 * separate folders, a slash in front, parts that are empty or `.`, a byte-order mark. The rules for
 * names apply to the result.
 */
function normalize(written: string, host: number): Pick<DecodedName, 'name' | 'warnings'> {
  const warnings: string[] = [];
  let name = written;
  if (name.includes('\\') && BACKSLASH_HOSTS.has(host) && !name.startsWith(SHARE)) {
    name = name.replaceAll('\\', '/');
    warnings.push('has backslashes in its name, read as folders');
  }
  if (name.includes(MARK)) {
    name = name.replace(MARKS, '$1');
    if (name.length < written.length) warnings.push('has a byte-order mark in front of its name');
  }
  if (!LOOSE.test(name)) return { name, warnings };
  if (name.startsWith('/')) warnings.push('has an absolute path, read as one within the archive');
  else if (!name.startsWith(HERE)) warnings.push('has empty parts in its path');
  return { name: withoutEmptyParts(name), warnings };
}

const MARK = '\ufeff';
const MARKS = /(^|\/)\ufeff/g;
/** A slash in front, or a part that is empty or `.` with something behind it. */
const LOOSE = /^\/|\/\/|(?:^|\/)\.\//;

/** The last part is kept as it is: empty it marks a folder, and `.` is no file's name. */
function withoutEmptyParts(name: string): string {
  const parts = name.split('/');
  const last = parts.pop() ?? '';
  const path = [...parts.filter((part) => part !== '' && part !== '.'), last].join('/');
  return path === '' ? HERE : path;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeDeclaredUtf8(bytes: Buffer): Written {
  if (isAscii(bytes)) return { name: bytes.toString('latin1') };
  const name = decodeWith(utf8, bytes);
  if (name !== undefined) return { name };
  return {
    name: bytes.toString('utf8'),
    problem: { code: 'not-utf-8', text: 'has a name that is not UTF-8, though flagged as such' },
  };
}

/**
 * Without the flag the name is in whatever code page its writer used. Other text is hardly ever valid
 * UTF-8; the dataset comes from China, where archivers write GBK; the format's default is CP437.
 */
function decodeUnmarked(bytes: Buffer): Written {
  if (isAscii(bytes)) return { name: bytes.toString('latin1') };
  const asUtf8 = decodeWith(utf8, bytes);
  if (asUtf8 !== undefined)
    return { name: asUtf8, warning: 'has a UTF-8 name without the UTF-8 flag' };
  const asGbk = decodeWith(gbkDecoder(), bytes);
  if (asGbk !== undefined)
    return { name: asGbk, warning: 'has a name in a legacy encoding (read as GBK)' };
  const name = getFileNameLowLevel(0, bytes, [], true);
  // CP437 has glyphs for control characters: they must not pass as those.
  if (bytes.some((byte) => byte < 0x20 || byte === 0x7f)) return { name, problem: CONTROLS };
  return { name, warning: 'has a name in a legacy encoding (read as CP437)' };
}

function decodeWith(decoder: TextDecoder | undefined, bytes: Buffer): string | undefined {
  try {
    return decoder?.decode(bytes);
  } catch {
    return undefined;
  }
}

/** undefined: this build of Node lacks the encoding. */
function gbkDecoder(): TextDecoder | undefined {
  try {
    return new TextDecoder('gb18030', { fatal: true });
  } catch {
    return undefined;
  }
}

const UNICODE_PATH_VERSION = 1;
const UNICODE_PATH_FIXED_BYTES = 5;

/** undefined: of another version, for another name (then it must be ignored), or not UTF-8. */
function parseUnicodePath(field: Buffer, plainName: Buffer): string | undefined {
  if (field.length <= UNICODE_PATH_FIXED_BYTES) return undefined;
  if (field.readUInt8(0) !== UNICODE_PATH_VERSION) return undefined;
  if (field.readUInt32LE(1) !== crc32(plainName)) return undefined;
  return decodeWith(utf8, field.subarray(UNICODE_PATH_FIXED_BYTES));
}
