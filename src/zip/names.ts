import { toPrintable } from '../text.ts';
import { CONTROLS } from './entry-name.ts';
import { HERE } from './entry.ts';

/** Bytes of a path below images/<archive>/: leaves room for the dataset directory's own. */
const MAX_PATH_BYTES = 1024;
/** What the common file systems take for one name. */
const MAX_PART_BYTES = 255;
const MAX_DEPTH = 64;

/** Names that Windows keeps for devices, with any ending; ¹²³ count as digits there. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)/i;
const FORBIDDEN = /[<>:"|?*]/;

/**
 * Why a name may not be used for a file; undefined: it may. The rules of all systems count on each,
 * so that a dataset directory can be copied anywhere.
 * @param name with `/`; one at the end marks a folder
 */
export function problemOfName(name: string): string | undefined {
  if (name === '') return 'has no name';
  if (name === HERE) return undefined;
  if (Buffer.byteLength(name) > MAX_PATH_BYTES) {
    return `has a path of more than ${MAX_PATH_BYTES} bytes`;
  }
  // Everything that this escapes for a terminal has no place in a file name either.
  if (toPrintable(name, MAX_PATH_BYTES) !== name) return CONTROLS;
  if (name.includes('\\')) return 'has a backslash in its name, which other systems take for "/"';
  if (name.startsWith('/')) return 'has an absolute path';
  if (/^[a-z]:/i.test(name)) return 'has an absolute path (a drive)';
  const parts = name.replace(/\/$/, '').split('/');
  if (parts.length > MAX_DEPTH) return `lies more than ${MAX_DEPTH} folders deep`;
  for (const part of parts) {
    const problem = problemOfPart(part);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOfPart(part: string): string | undefined {
  if (part === '..') return 'leads out of the folder with ".."';
  if (part === '' || part === '.') return 'has an empty step or "." in its path';
  const forbidden = FORBIDDEN.exec(part)?.[0];
  if (forbidden !== undefined)
    return `has a "${forbidden}" in its name, which Windows does not take`;
  if (DEVICE.test(part)) return 'has a name that Windows keeps for a device';
  if (/[. ]$/.test(part)) return 'ends in a dot or a blank, which Windows drops';
  if (Buffer.byteLength(part) > MAX_PART_BYTES) {
    return `has a name of more than ${MAX_PART_BYTES} bytes`;
  }
  return undefined;
}

/**
 * Equal for two names that some file system takes for one: by case (ß is SS), and by how accents and
 * ligatures are put together.
 */
export function foldName(name: string): string {
  if (/^[ -~]*$/.test(name)) return name.toUpperCase();
  return name.normalize('NFKD').toUpperCase().normalize('NFKD');
}
