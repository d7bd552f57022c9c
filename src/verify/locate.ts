import { join } from 'node:path';
import { areSingle } from '../dataset/images.ts';
import { type DatasetLayout, finalPathOf, imagesPathOf } from '../dataset/layout.ts';
import type { Ledger, MembersRecord } from '../dataset/ledger.ts';
import { pathKind, statOrNull } from '../fs/paths.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import type { Located } from './types.ts';

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
    const stats = await statOrNull(path);
    if (stats !== null) return { path, stats };
  }
  return undefined;
}

async function findImages(file: ManifestFile, layout: DatasetLayout) {
  const path = imagesPathOf(layout, file.name);
  return (await pathKind(path)) === 'directory' ? path : undefined;
}

/** The ledger's list of an archive's files, if it is of the published archive. */
async function fittingRecord(
  file: ManifestFile,
  ledger: Ledger,
): Promise<MembersRecord | undefined> {
  const record = await ledger.readMembers(file.name);
  return fits(file, record) ? record : undefined;
}

/** Whether it is of the published archive. */
export function fits(file: ManifestFile, record: MembersRecord | undefined): boolean {
  // Of single images nothing is known but their CRC-32s.
  if (areSingle(record)) return true;
  // Of a disputed MD5 nothing is known; what was extracted had passed.
  return record?.md5 === file.md5 || file.md5Disputed !== undefined;
}
