import type { ArchiveSpec, ReleaseImage } from '../../scripts/release/release-types.ts';
import { noise } from './fetching.ts';
import { makeStandIn, type StandIn } from './stand-in.ts';

/** Of the archives whose images are large; the others' have 60 kB. */
const IMAGE_BYTES: Readonly<Record<string, number>> = {
  'ChestDx-1': 700_000,
  'ChestDx-2': 300_000,
  'ChestDx_PE-1': 450_000,
  'Normal-4': 1_500_000,
};

/** Two archives of more than a checkpoint of 8 MiB (20 and 9.5 MB), one of about half of one. */
const ARCHIVES: readonly ArchiveSpec[] = [
  { name: 'ChestDx-1', images: 29 },
  { name: 'ChestDx-2', images: 12, topFolder: true },
  { name: 'ChestDx_PE-1', images: 21, method: 'store' },
  { name: 'Normal-4', images: 2 },
  { name: 'Viral-1', images: 4, topFolder: true },
  { name: 'Other-1', images: 3 },
];

/**
 * A stand-in release for runs that are killed: small enough for hundreds of them, large enough that
 * each phase takes its time. Two of its archives share a published MD5; its chest_dx.csv has 30,000
 * rows, so that the join takes a while.
 */
export function makeKillRelease(directory: string): Promise<StandIn> {
  return makeStandIn(directory, {
    archives: ARCHIVES,
    labelsOnly: [{ name: 'ChestDx-40', images: 30_000 }],
    doubledMd5: 'Viral-1',
    toJpeg,
  });
}

/** No picture: nothing but the release's maker looks inside. A quarter of it deflates to nothing. */
function toJpeg({ archive, name }: ReleaseImage): Buffer {
  const bytes = IMAGE_BYTES[archive] ?? 60_000;
  return Buffer.concat([noise(`${archive}/${name}`, bytes), Buffer.alloc(bytes / 4)]);
}
