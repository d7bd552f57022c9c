import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { finalPathOf, imagesPathOf, type DatasetLayout } from '../dataset/layout.ts';
import { pathKind } from '../fs/output-file.ts';
import type { Ledger } from '../dataset/ledger.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { statOrAbsent } from '../dataset/survey.ts';
import { fittingRecord } from './check-images.ts';

/** Where a file of the manifest was found. */
export interface Located {
  readonly file: ManifestFile;
  /** What lies there in its name; undefined: it is not here. */
  readonly here: { readonly path: string; readonly stats: Stats } | undefined;
  /** The folder of its extracted images; undefined: there is none. */
  readonly images: string | undefined;
  /** There is none, and the ledger knows that there was: false where it was not asked. */
  readonly imagesGone: boolean;
}

/**
 * Looks in its place in a dataset directory, then directly in the directory, where a group's copy of
 * the archives on a share has it.
 * @param ledger asked for images that were extracted once; absent: they are not missed
 * @throws CcxriError of the disk
 */
export async function locate(
  file: ManifestFile,
  layout: DatasetLayout,
  ledger?: Ledger,
): Promise<Located> {
  const images = file.kind === 'archive' ? await findImages(file, layout) : undefined;
  const isMissed = file.kind === 'archive' && images === undefined && ledger !== undefined;
  const record = isMissed ? await fittingRecord(file, ledger) : undefined;
  return {
    file,
    here: await findFile(file, layout),
    images,
    imagesGone: record !== undefined && record.members.length > 0,
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
