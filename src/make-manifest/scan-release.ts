import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CcxriError, type NextStep, errnoOf, isCcxriError, toDiskError } from '../errors.ts';
import type { NamedFile } from '../dataset/layout.ts';
import { isBelow } from '../fs/within.ts';
import { toPrintable } from '../text.ts';

const NAME_DIRECTORY: NextStep = {
  kind: 'advice',
  text: 'name the directory that holds them, or that holds archives/',
};

/** A file of a directory that belongs into a manifest. */
export interface ReleaseFile extends NamedFile {
  readonly path: string;
  readonly bytes: number;
}

export interface ReleaseScan {
  readonly files: readonly ReleaseFile[];
  /** Paths below the directory, with `/`. */
  readonly leftOut: readonly string[];
}

/** A flat directory, or one as `ccxri fetch` makes it. */
const FOLDERS = ['', 'archives/', 'labels/'];

/**
 * The archives and label files of a directory. Links that lead out of it are left out, as is
 * index.csv, which ccxri makes itself; hidden files are not looked at.
 * @throws CcxriError `usage`: no such directory, nothing in it, or one name twice
 */
export async function scanRelease(directory: string): Promise<ReleaseScan> {
  const files: ReleaseFile[] = [];
  const leftOut: string[] = [];
  const root = await rootOf(directory);
  for (const folder of FOLDERS) {
    for (const name of await namesIn(join(directory, folder), folder === '')) {
      const path = join(directory, folder, name);
      const stats = await statInside(path, root);
      const kind = kindOf(name);
      if (stats === 'directory') continue;
      if (stats === undefined || kind === undefined) leftOut.push(`${folder}${name}`);
      else files.push({ name, kind, path, bytes: stats.size });
    }
  }
  assertOnce(files);
  if (files.length > 0) return { files, leftOut };
  throw new CcxriError(
    'usage',
    `there is no archive (.zip) and no label file (.csv) in ${toPrintable(directory)}`,
    { path: directory, next: [NAME_DIRECTORY] },
  );
}

async function rootOf(directory: string): Promise<string> {
  try {
    const root = await realpath(directory);
    if ((await stat(root)).isDirectory()) return root;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw unreadable(error, directory);
  }
  throw new CcxriError('usage', `there is no directory ${toPrintable(directory)}`, {
    path: directory,
    next: [NAME_DIRECTORY],
  });
}

async function namesIn(path: string, mustExist: boolean): Promise<readonly string[]> {
  try {
    const names = await readdir(path);
    return names.filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    const isAbsent = ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');
    if (isAbsent && !mustExist) return [];
    throw unreadable(error, path);
  }
}

/** undefined: neither file nor directory, a link that leads out or nowhere, or ccxri's own. */
async function statInside(path: string, root: string) {
  try {
    const real = await realpath(path);
    if (!isBelow(root, real)) return undefined;
    const stats = await stat(real);
    if (stats.isDirectory()) return 'directory';
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined;
    throw unreadable(error, path);
  }
}

function kindOf(name: string): ReleaseFile['kind'] | undefined {
  if (/\.zip$/i.test(name)) return 'archive';
  return /\.csv$/i.test(name) && name !== 'index.csv' ? 'labels' : undefined;
}

function assertOnce(files: readonly ReleaseFile[]): void {
  const seen = new Map<string, ReleaseFile>();
  for (const file of files) {
    const twin = seen.get(file.name);
    if (twin !== undefined) {
      throw new CcxriError('usage', `${toPrintable(file.name)} is there twice`, {
        file: file.name,
        reasons: [twin.path, file.path].map((path) => toPrintable(path)),
        next: [{ kind: 'advice', text: 'move one of them away: a manifest has each name once' }],
      });
    }
    seen.set(file.name, file);
  }
}

/** A failure to read in words of reading: the usual ones speak of --dest, which is not meant. */
export function unreadable(error: unknown, path: string): unknown {
  // hashFile has translated it already.
  const errno = errnoOf(isCcxriError(error, 'not-writable') ? error.cause : error);
  if (errno !== 'EACCES' && errno !== 'EPERM') return toDiskError(error, 'read', { path });
  return new CcxriError('usage', `could not read ${toPrintable(path)} (${errno})`, {
    path,
    next: [{ kind: 'advice', text: 'make it readable for you' }, { kind: 'again' }],
    cause: error,
  });
}
