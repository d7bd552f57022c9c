import { isAscii } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { crc32 } from 'node:zlib';
import { getFileNameLowLevel } from 'yauzl';

/** A member's name in the directory's own bytes, with what says how to read them. */
export interface RawName {
  readonly bytes: Buffer;
  /** The flag that promises UTF-8. */
  readonly isUtf8: boolean;
  /** What an Info-ZIP Unicode path field (0x7075) holds; undefined: there is none. */
  readonly unicodePath: Buffer | undefined;
}

export interface DecodedName {
  readonly name: string;
  /** Why the name can't be trusted. */
  readonly problem?: string;
  /** What is odd about it, and does no harm. */
  readonly oddity?: string;
}

export const CONTROLS = 'has control or invisible characters in its name';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function decodeName({ bytes, isUtf8, unicodePath }: RawName): DecodedName {
  const own = isUtf8 ? decodePromisedUtf8(bytes) : decodeUnmarked(bytes);
  if (unicodePath === undefined || own.problem !== undefined) return own;
  const other = parseUnicodePath(unicodePath, bytes);
  if (other === undefined) return { ...own, oddity: 'has a Unicode path that does not count' };
  if (other === own.name) return own;
  // Only where the plain name can't say it may the other one differ, and then not in its folders.
  const mayDiffer = !isUtf8 && !isAscii(bytes) && depthOf(other) === depthOf(own.name);
  if (!mayDiffer) return { ...own, problem: 'has a second, different name (Unicode path field)' };
  return { name: other, oddity: 'has its name in a Unicode path field' };
}

function decodePromisedUtf8(bytes: Buffer): DecodedName {
  if (isAscii(bytes)) return { name: bytes.toString('latin1') };
  const name = decodeWith(utf8, bytes);
  if (name !== undefined) return { name };
  return {
    name: bytes.toString('utf8'),
    problem: 'has a name that is no UTF-8, though it says so',
  };
}

/**
 * Without the flag the name is in whatever code page its writer used. UTF-8 does not come about by
 * chance; the dataset comes from China, where archivers write GBK; the format's own is CP437.
 */
function decodeUnmarked(bytes: Buffer): DecodedName {
  if (isAscii(bytes)) return { name: bytes.toString('latin1') };
  const asUtf8 = decodeWith(utf8, bytes);
  if (asUtf8 !== undefined) return { name: asUtf8, oddity: 'has a UTF-8 name without saying so' };
  const asGbk = decodeWith(gbkDecoder(), bytes);
  if (asGbk !== undefined) return { name: asGbk, oddity: 'has a name in an old code, read as GBK' };
  const name = getFileNameLowLevel(0, bytes, [], true);
  // The table shows control characters as signs: they must not pass as such.
  if (bytes.some((byte) => byte < 0x20 || byte === 0x7f)) return { name, problem: CONTROLS };
  return { name, oddity: 'has a name in an old code, read as CP437' };
}

function decodeWith(decoder: TextDecoder | undefined, bytes: Buffer): string | undefined {
  try {
    return decoder?.decode(bytes);
  } catch {
    return undefined;
  }
}

/** undefined: this build of Node has no such table. */
function gbkDecoder(): TextDecoder | undefined {
  try {
    return new TextDecoder('gb18030', { fatal: true });
  } catch {
    return undefined;
  }
}

const UNICODE_PATH_VERSION = 1;
const UNICODE_PATH_FIXED_BYTES = 5;

/** undefined: of another version, made for another name (then it does not count), or no UTF-8. */
function parseUnicodePath(field: Buffer, plainName: Buffer): string | undefined {
  if (field.length <= UNICODE_PATH_FIXED_BYTES) return undefined;
  if (field.readUInt8(0) !== UNICODE_PATH_VERSION) return undefined;
  if (field.readUInt32LE(1) !== crc32(plainName)) return undefined;
  return decodeWith(utf8, field.subarray(UNICODE_PATH_FIXED_BYTES));
}

function depthOf(name: string): number {
  return name.split('/').length;
}
