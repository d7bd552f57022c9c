import { toPrintable } from '../text.ts';
import { HERE } from './entry.ts';
import type { Reason, RejectCode } from './report.ts';

/** Bytes of a path below images/<archive>/: leaves room for the dataset directory's own. */
const MAX_PATH_BYTES = 1024;
/** The limit of common file systems for one name. */
const MAX_PART_BYTES = 255;
const MAX_DEPTH = 64;

/** Names that Windows reserves for devices, with any extension; ¹²³ count as digits there. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)/i;
const FORBIDDEN = /[<>:"|?*]/;
/** Joiners within emoji and some scripts. Beside ASCII they only hide: `ab` and `a\u200db`. */
const JOINED = /(?<=[^\0-\x7f])[\u200c\u200d]+(?=[^\0-\x7f])/g;
/** In front of `\\\\server\\share`. */
export const SHARE = '\\\\';

export const CONTROLS: Reason = {
  code: 'control-characters',
  text: 'has control or invisible characters in its name',
};

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
  const shown = name.replace(JOINED, '');
  if (toPrintable(shown, MAX_PATH_BYTES) !== shown) return CONTROLS;
  if (name.startsWith(SHARE))
    return { code: 'absolute-path', text: 'has an absolute path (a network share)' };
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
  // Lower case: of most names that is the name itself, not another string.
  if (/^[ -~]*$/.test(name)) return name.toLowerCase();
  // HFS+ ignores joiners.
  const bare = name.replace(JOINED, '');
  return bare.normalize('NFKD').toUpperCase().normalize('NFKD').toLowerCase();
}

/** An image's name, perhaps with something behind it that a system or an unpacker strips, such as a dot. */
const IMAGE_FOR_SOMEBODY = /^[^.].*\.(?:jpe?g|png|dcm)(?![a-z0-9])/is;

/** Names that another system could not have, or would change: for a stray file that is no reason to refuse all. */
const ODD: ReadonlySet<RejectCode> = new Set([
  'backslash',
  'control-characters',
  'device-name',
  'forbidden-character',
  'name-too-long',
  'not-utf-8',
  'path-too-deep',
  'path-too-long',
  'trailing-dot-or-space',
] as const);

/**
 * Whether a member whose name may not be used can be left out, so that the rest of the archive may be
 * used: a folder, or a stray file. Not an image, which would be missed; and not a name that leads
 * elsewhere, or into a stream of another file: nobody has that by chance.
 */
export function mayBeSkipped(name: string, { code }: Reason): boolean {
  const parts = name.split(/[/\\]/);
  const isAttack = parts.includes('..') || name.includes(':') || name.startsWith(SHARE);
  return ODD.has(code) && !isAttack && !IMAGE_FOR_SOMEBODY.test(parts.at(-1) ?? '');
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
