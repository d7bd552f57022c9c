import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { listOrEmpty } from './paths.ts';

export interface WalkedEntry {
  /** Below the folder, with `/`. */
  readonly path: string;
  readonly entry: Dirent;
}

/**
 * Everything below a folder, in the order of the names, each folder before what is in it. A folder that
 * is not there is empty. Links are listed and never followed: they may lead anywhere, or in a circle.
 * @param skips folders that are listed, and not looked into
 * @throws CcxriError of the disk
 */
export async function* walkFolder(
  folder: string,
  skips: (folder: Dirent) => boolean = () => false,
): AsyncGenerator<WalkedEntry, void, void> {
  const entries = await listOrEmpty(folder);
  for (const entry of [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    yield { path: entry.name, entry };
    if (!entry.isDirectory() || skips(entry)) continue;
    for await (const below of walkFolder(join(folder, entry.name), skips)) {
      yield { ...below, path: `${entry.name}/${below.path}` };
    }
  }
}
