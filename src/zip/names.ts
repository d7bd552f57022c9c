import { isAscii } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { crc32 } from 'node:zlib';
import { getFileNameLowLevel } from 'yauzl';
import { toPrintable } from '../text.ts';
import { HERE } from './entry.ts';
import type { Reason } from './report.ts';

/** Bytes of a path below images/<archive>/: leaves room for the dataset directory's own. */
const MAX_PATH_BYTES = 1024;
/** The limit of common file systems for one name. */
const MAX_PART_BYTES = 255;
const MAX_DEPTH = 64;

/** Names that Windows reserves for devices, with any extension; ¹²³ count as digits there. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)/i;
const FORBIDDEN = /[<>:"|?*]/;

/**
 * Why a name may not be used for a file; undefined: it may. The rules of all systems apply on each, so
 * that a dataset directory can be copied anywhere.
 * @param name with `/`; one at the end marks a folder
 */
export function problemOfName(name: string): Reason | undefined {
  if (name === '') return { code: 'no-name', text: 'has no name' };
  if (name === HERE) return undefined;
  if (Buffer.byteLength(name) > MAX_PATH_BYTES) {
    return { code: 'path-too-long', text: `has a path of more than ${MAX_PATH_BYTES} bytes` };
  }
  // Whatever has to be escaped for a terminal has no place in a file name either.
  if (toPrintable(name, MAX_PATH_BYTES) !== name) return CONTROLS;
  if (name.includes('\\'))
    return {
      code: 'backslash',
      text: 'has a backslash in its name, a separator on other systems',
    };
  if (name.startsWith('/')) return { code: 'absolute-path', text: 'has an absolute path' };
  if (/^[a-z]:/i.test(name))
    return { code: 'absolute-path', text: 'has an absolute path (a drive)' };
  const parts = name.replace(/\/$/, '').split('/');
  if (parts.length > MAX_DEPTH)
    return { code: 'path-too-deep', text: `is more than ${MAX_DEPTH} folders deep` };
  for (const part of parts) {
    const problem = problemOfPart(part);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOfPart(part: string): Reason | undefined {
  if (part === '..') return { code: 'path-traversal', text: 'leads out of the folder with ".."' };
  if (part === '' || part === '.')
    return { code: 'empty-path-part', text: 'has an empty part or "." in its path' };
  const forbidden = FORBIDDEN.exec(part)?.[0];
  if (forbidden !== undefined)
    return {
      code: 'forbidden-character',
      text: `has a "${forbidden}" in its name, which Windows does not allow`,
    };
  if (DEVICE.test(part))
    return { code: 'device-name', text: 'has a name that Windows reserves for a device' };
  if (/[. ]$/.test(part))
    return { code: 'trailing-dot-or-space', text: 'ends in a dot or space, which Windows strips' };
  if (Buffer.byteLength(part) > MAX_PART_BYTES) {
    return { code: 'name-too-long', text: `has a name of more than ${MAX_PART_BYTES} bytes` };
  }
  return undefined;
}

/**
 * Equal for two names that some file system takes for one: by case (ß is SS), and by how accents and
 * ligatures are composed.
 */
export function foldName(name: string): string {
  if (/^[ -~]*$/.test(name)) return name.toUpperCase();
  return name.normalize('NFKD').toUpperCase().normalize('NFKD');
}

/** A member's name as bytes of the directory, with the fields that determine its encoding. */
export interface RawName {
  readonly bytes: Buffer;
  /** The flag that declares UTF-8. */
  readonly isUtf8: boolean;
  /** The data of an Info-ZIP Unicode path field (0x7075); undefined: there is none. */
  readonly unicodePath: Buffer | undefined;
}

export interface DecodedName {
  readonly name: string;
  /** Why the name can't be trusted. */
  readonly problem?: Reason | undefined;
  /** A harmless oddity. */
  readonly warning?: string | undefined;
}

const CONTROLS: Reason = {
  code: 'control-characters',
  text: 'has control or invisible characters in its name',
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function decodeName({ bytes, isUtf8, unicodePath }: RawName): DecodedName {
  const own = isUtf8 ? decodeDeclaredUtf8(bytes) : decodeUnmarked(bytes);
  if (unicodePath === undefined || own.problem !== undefined) return own;
  const other = parseUnicodePath(unicodePath, bytes);
  if (other === undefined) return { ...own, warning: 'has a Unicode path field that is ignored' };
  if (other === own.name) return own;
  // It may differ only if the plain name can't express it, and then not in its folders.
  const mayDiffer = !isUtf8 && !isAscii(bytes) && depthOf(other) === depthOf(own.name);
  if (!mayDiffer)
    return {
      ...own,
      problem: { code: 'second-name', text: 'has a second, different name (Unicode path field)' },
    };
  return { name: other, warning: 'has its name in a Unicode path field' };
}

function decodeDeclaredUtf8(bytes: Buffer): DecodedName {
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
function decodeUnmarked(bytes: Buffer): DecodedName {
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

function depthOf(name: string): number {
  return name.split('/').length;
}

/** Finder puts files with its own attributes here, beside the folder that was packed. */
const FINDER_FOLDER = '__MACOSX/';

/**
 * The one folder that contains everything, such as `ChestDx-22`; null: there is none. With or without
 * it, an archive's images are extracted to images/<archive>/.
 * @param paths of files, with `/`
 */
export function topFolderOf(paths: readonly string[]): string | null {
  const own = paths.filter((path) => !path.startsWith(FINDER_FOLDER));
  const first = own[0] ?? '';
  const end = first.indexOf('/');
  if (end < 0) return null;
  const prefix = first.slice(0, end + 1);
  // A folder of Finder's name inside would be merged with the one beside it.
  const isTop = own.every((path) => path.startsWith(prefix) && !startsWithFinder(path, prefix));
  return isTop ? first.slice(0, end) : null;
}

function startsWithFinder(path: string, prefix: string): boolean {
  return `${path.slice(prefix.length)}/`.startsWith(FINDER_FOLDER);
}

export function withoutTopFolder(path: string, topFolder: string | null): string {
  const prefix = `${topFolder ?? ''}/`;
  return topFolder !== null && path.startsWith(prefix) ? path.slice(prefix.length) : path;
}
