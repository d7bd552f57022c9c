import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { finalPathOf, imagesPathOf, type DatasetLayout } from '../disk/layout.ts';
import { pathKind } from '../disk/output-file.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { statOrAbsent } from '../steps/survey.ts';

/** Where a file of the manifest was found. */
export interface Located {
  readonly file: ManifestFile;
  /** What lies there in its name; undefined: it is not here. */
  readonly here: { readonly path: string; readonly stats: Stats } | undefined;
  /** The folder of its extracted images; undefined: there is none. */
  readonly images: string | undefined;
}

/**
 * Looks in its place in a dataset directory, then directly in the directory, where a group's copy of
 * the archives on a share has it.
 * @throws CcxriError of the disk
 */
export async function locate(file: ManifestFile, layout: DatasetLayout): Promise<Located> {
  return {
    file,
    here: await findFile(file, layout),
    images: file.kind === 'archive' ? await findImages(file, layout) : undefined,
  };
}

async function findFile(file: ManifestFile, layout: DatasetLayout): Promise<Located['here']> {
  for (const path of [finalPathOf(layout, file), join(layout.root, file.name)]) {
    const stats = await statOrAbsent(path);
    if (stats !== undefined) return { path, stats };
  }
  return undefined;
}

async function findImages(file: ManifestFile, layout: DatasetLayout) {
  const path = imagesPathOf(layout, file.name);
  return (await pathKind(path)) === 'directory' ? path : undefined;
}
