import type { Described } from '../../src/description/described.ts';
import { columnsOf } from '../../src/description/columns.ts';
import { INDEX_HEADER } from '../../src/labels/write.ts';
import { loadManifest } from '../../src/manifest/load.ts';

/** A dataset directory, as it is described. */
export async function describedDataset(): Promise<Described> {
  const manifest = await loadManifest();
  return {
    manifest,
    content: 'Chest X-rays with labels.',
    files: [
      {
        path: 'index.csv',
        mediaType: 'text/csv',
        bytes: 7,
        sha256: 'a'.repeat(64),
        content: 'One row an image.',
        columns: columnsOf(INDEX_HEADER.split(',')),
      },
    ],
    images: { pattern: 'images/*/*.jpg', mediaType: 'image/jpeg' },
    published: manifest.files,
    pathOf: ({ name }) => `archives/${name}`,
  };
}

/** An export in shards: no table, no images that are files, and no published file. */
export async function describedExport(): Promise<Described> {
  const shard = {
    mediaType: 'application/x-tar',
    bytes: 9,
    sha256: 'b'.repeat(64),
    content: 'A shard.',
  };
  const files = [{ ...shard, path: 'train-000000.tar' }];
  return { ...(await describedDataset()), files, images: undefined, pathOf: undefined };
}
