import { stat } from 'node:fs/promises';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { toPrintable } from '../text.ts';

/**
 * Asked before the work whose result goes to `path`, as a question of usage; the writer refuses it
 * once more by itself.
 * @throws CcxriError `usage` where something lies that is no file; of the disk
 */
export async function assertOutputFile(path: string): Promise<void> {
  const kind = await pathKind(path);
  if (kind === 'file' || kind === 'nothing') return;
  throw new CcxriError('usage', `--output ${toPrintable(path)} is there and is no file`, {
    path,
    expected: 'a file, or nothing',
    hint: 'name a file with --output FILE',
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
