import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import type { DatasetLayout } from '../dataset/layout.ts';
import { makeDirectoryWithin } from '../fs/paths.ts';
import { onAnotherDisk } from '../download/publish.ts';
import { toDiskError } from '../errors.ts';

/**
 * Tries out, before the first byte comes over the wire, what a finished download will need: that
 * partial files may be written, and that they can get their final names, which a rename does on one
 * file system only.
 * @param kinds of the files that are to come
 * @throws CcxriError `not-writable`, `occupied`, and others of the disk
 */
export async function prepareDirectories(
  layout: DatasetLayout,
  kinds: ReadonlySet<'archive' | 'labels'>,
): Promise<void> {
  await makeWritable(layout.partial);
  await makeWritable(layout.ledger);
  const { dev } = await look(layout.partial);
  for (const kind of kinds) {
    const path = kind === 'archive' ? layout.archives : layout.labels;
    await makeWritable(path);
    if ((await look(path)).dev !== dev) throw onAnotherDisk(path);
  }
}

async function makeWritable(path: string): Promise<void> {
  await makeDirectoryWithin(path);
  try {
    await access(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw toDiskError(error, 'write in', { path });
  }
}

async function look(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    throw toDiskError(error, 'look at', { path });
  }
}
