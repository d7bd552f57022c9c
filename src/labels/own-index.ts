import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { noFile } from '../fs/path-errors.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { toPrintable } from '../text.ts';
import { INDEX_HEADER } from './write.ts';

/** A byte order mark, which a spreadsheet program may have put before the header. */
const BOM = '\uFEFF';

/**
 * Asked before a dataset's own index is written anew: whatever else lies in its place is somebody's
 * work. A link is none, for it is replaced and not followed; nor is an empty file.
 * @throws CcxriError `occupied`: it is no index; of the disk
 */
export async function assertOwnIndex(path: string): Promise<void> {
  try {
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) return;
    if (!stats.isFile()) throw noFile(path, 'an index of ccxri, or nothing');
    if (stats.size === 0 || (await firstLine(path)) === INDEX_HEADER) return;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw toDiskError(error, 'read', { path });
  }
  throw new CcxriError(
    'occupied',
    `${toPrintable(path, 4096)} is no index that ccxri has written`,
    {
      path,
      expected: `a first line of path,image,archive,… as ccxri writes it, or no file`,
      kept: 'the file as it is; everything else that was done stands',
      hint: 'move it away, then run `ccxri join`; or write the index elsewhere: `ccxri join --output OTHER.csv`',
    },
  );
}

/** Of a file of any length and kind of bytes: no more is read than the header is long. */
async function firstLine(path: string): Promise<string> {
  // A link or a pipe that takes its place this moment is not followed, and not waited for.
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(BOM.length * 3 + INDEX_HEADER.length + 2);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    const text = bytes.toString('utf8', 0, bytesRead);
    const line = text.startsWith(BOM) ? text.slice(BOM.length) : text;
    return /^[^\r\n]*(?=\r?\n)/.exec(line)?.[0] ?? '';
  } finally {
    await handle.close();
  }
}
