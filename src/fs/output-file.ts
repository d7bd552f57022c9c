import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { quoteForShell, toPrintable } from '../text.ts';

/**
 * Asked before the work whose result goes to `path`, as a question of usage; the writer refuses it
 * once more by itself. `-` is no name here: as everywhere it would be taken for stdout.
 * @throws CcxriError `usage` where something lies that is no file, or there is no such directory; of
 *   the disk
 */
export async function assertOutputFile(path: string): Promise<void> {
  if (path === '-') throw notStdout();
  const kind = await pathKind(path);
  const above = dirname(path);
  if (kind === 'nothing' && (await pathKind(above)) !== 'directory') throw noDirectory(path, above);
  if (kind === 'file' || kind === 'nothing') return;
  throw new CcxriError('usage', `--output ${toPrintable(path)} is there and is no file`, {
    path,
    expected: 'a file, or nothing',
    hint: 'name a file with --output FILE',
  });
}

function notStdout(): CcxriError {
  return new CcxriError('usage', '--output takes a file, and - (stdout) is none', {
    expected: 'the path of a file',
    hint: 'name a file with --output FILE; one that is really called "-" is ./-',
  });
}

function noDirectory(path: string, above: string): CcxriError {
  const shown = toPrintable(path, 4096);
  return new CcxriError('usage', `--output ${shown}: there is no directory ${toPrintable(above)}`, {
    path,
    expected: 'a file in a directory that is there',
    hint: `make it first: mkdir -p ${quoteForShell(above)}`,
  });
}

/** @throws CcxriError of the disk */
export async function pathKind(path: string): Promise<'file' | 'directory' | 'other' | 'nothing'> {
  try {
    const found = await stat(path);
    if (found.isFile()) return 'file';
    return found.isDirectory() ? 'directory' : 'other';
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return 'nothing';
    throw toDiskError(error, 'read', { path });
  }
}
