import { writeFileSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { toManifest, type WrittenFile } from '../scripts/release/describe-release.ts';
import { labelFilesOf } from '../scripts/release/label-files.ts';
import { toJson } from '../scripts/release/make-release.ts';
import { planRelease } from '../scripts/release/plan-release.ts';
import {
  REAL_FREQUENCIES,
  REAL_IMAGES,
  chestArchives,
} from '../scripts/release/real-frequencies.ts';
import type { PlannedArchive, ReleaseSpec } from '../scripts/release/release-types.ts';
import { finalPathOf, imagesPathOf, layoutOf } from '../src/dataset/layout.ts';
import { Ledger } from '../src/dataset/ledger.ts';
import { readMemberIndex, writeMemberIndex } from '../src/dataset/member-index.ts';
import { loadManifest } from '../src/manifest/load.ts';
import { findFile } from '../src/manifest/manifest.ts';
import type { ListedMember } from '../src/zip/listing.ts';

/** A dataset directory of which label file and member indexes are here, and no archive. */
export interface RowsDataset {
  readonly dest: string;
  readonly manifestPath: string;
  readonly rows: number;
}

/** Of each image, about. */
const IMAGE_BYTES = 250_000;

/**
 * As many rows, archives and images as ChestDx and ChestDx-PE really have, with their frequencies of
 * labels: what a query reads once the directories of all archives have been read.
 * @param images in each archive
 */
export async function makeRowsDataset(
  directory: string,
  images: { readonly chest: number; readonly pe: number } = REAL_IMAGES,
): Promise<RowsDataset> {
  const spec: ReleaseSpec = {
    seed: 'rows',
    archives: chestArchives(images),
    frequencies: REAL_FREQUENCIES,
  };
  const plan = planRelease(spec);
  const archives = plan.archives.map((archive): WrittenFile => {
    const { directoryStart, sizeBytes } = toListing(archive);
    const md5 = md5Of(`${archive.spec.name} ${directoryStart}`);
    return { name: `${archive.spec.name}.zip`, bytes: sizeBytes, md5 };
  });
  const labels = [...labelFilesOf(spec, plan)];
  const written = labels.map(([name, content]): WrittenFile => ({
    name,
    bytes: content.length,
    md5: md5Of(content),
  }));
  const manifest = toManifest(spec, [...archives, ...written]);
  const manifestPath = join(directory, 'manifest.json');
  const dest = join(directory, 'dest');
  const layout = layoutOf(dest);
  await mkdir(layout.members, { recursive: true });
  await mkdir(layout.ledger, { recursive: true });
  await writeFile(manifestPath, toJson(manifest));
  for (const [at, archive] of plan.archives.entries()) {
    const { name = '', md5 = '' } = archives[at] ?? {};
    const index = { validator: '"v1"', listing: toListing(archive) };
    await writeMemberIndex(layout, { name, md5 }, index);
  }
  for (const [name, content] of labels) {
    const path = finalPathOf(layout, findFile(manifest, name));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    const { size: bytes, mtimeMs } = await stat(path);
    const checkedAt = new Date(0).toISOString();
    const receipt = { name, bytes, md5: md5Of(content), mtimeMs, checkedAt };
    await new Ledger(layout.ledger).writeReceipt({ ...receipt, status: 'verified' });
  }
  return { dest, manifestPath, rows: plan.archives.flatMap((archive) => archive.images).length };
}

/** Puts the images of all archives in their places, empty, with what an extraction writes of them into the ledger. */
export async function placeImages({ dest, manifestPath }: RowsDataset): Promise<void> {
  const manifest = await loadManifest(manifestPath);
  const layout = layoutOf(dest);
  for (const file of manifest.files.filter(({ kind }) => kind === 'archive')) {
    const index = await readMemberIndex(layout, file);
    if (index === undefined) throw new Error(`${file.name} has no member index`);
    const folder = imagesPathOf(layout, file.name);
    await mkdir(folder, { recursive: true });
    for (const { path } of index.listing.members) writeFileSync(join(folder, path), '');
    const members = index.listing.members.map(({ path, size }) => ({
      ...{ path, bytes: size, crc32: crc32(path), state: 'verified' as const },
    }));
    await new Ledger(layout.ledger).writeMembers({
      ...{ archive: file.name, md5: file.md5, isComplete: true, members },
      extractedAt: new Date(0).toISOString(),
    });
  }
}

/** Members one behind the other, stored as they are. */
function toListing({ images }: PlannedArchive) {
  const members = images.map(({ name }, at): ListedMember => {
    const headerStart = at * (IMAGE_BYTES + 30 + name.length);
    return {
      ...{ path: name, name, rawName: name, nameProblem: undefined, host: 3, flags: 0, method: 0 },
      ...{ crc32: at, compressedSize: IMAGE_BYTES, size: IMAGE_BYTES, headerStart },
      endsBefore: headerStart + IMAGE_BYTES + 30 + name.length,
    };
  });
  const directoryStart = members.at(-1)?.endsBefore ?? 0;
  const sizeBytes = directoryStart + members.length * 72 + 22;
  return { sizeBytes, directoryStart, topFolder: null, members, warnings: [] };
}

function md5Of(content: string | Uint8Array): string {
  return createHash('md5').update(content).digest('hex');
}
