import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../src/manifest/manifest.ts';
import { drawJpeg } from '../../scripts/release/archive-file.ts';
import { withComment } from '../../scripts/release/jpeg.ts';
import { makeRelease, toJson, type Release } from '../../scripts/release/make-release.ts';
import { REAL_FREQUENCIES, chestArchives } from '../../scripts/release/real-frequencies.ts';
import type {
  ArchiveSpec,
  ReleaseImage,
  ReleaseSpec,
} from '../../scripts/release/release-types.ts';
import { randomBytes } from './random-bytes.ts';

/**
 * A release under real names, with real layout and headers, for tests. Every image is a decodable
 * JPEG of the size asked for, and no two are alike in their bytes; what they show comes from a few
 * drawings, so that thousands are made in a second.
 */
export interface StandIn extends Release {
  readonly directory: string;
  /** index.html in the directory, for page sources. */
  readonly pagePath: string;
  readonly manifestPath: string;
}

export type StandInOptions = Partial<ReleaseSpec>;

/** One archive of each group, the strays and folders that real ones have; 31 images, about 70 KB. */
export const STAND_IN_ARCHIVES: readonly ArchiveSpec[] = [
  { name: 'ChestDx-1', images: 7 },
  { name: 'ChestDx-2', images: 4, topFolder: true },
  { name: 'ChestDx_PE-1', images: 5, method: 'store' },
  { name: 'Normal-4', images: 4, strays: ['fab922a8-736e-4cb5-a666-4fd849a3049a.txt'] },
  { name: 'Viral-1', images: 6, topFolder: true },
  { name: 'Other-1', images: 5 },
];

/**
 * Makes a stand-in release in a directory: archives, label files, index.html, manifest.json.
 * @param options of `ReleaseSpec`; default: `STAND_IN_ARCHIVES` and label rows of one archive that
 *   is not there
 */
export async function makeStandIn(
  directory: string,
  options: StandInOptions = {},
): Promise<StandIn> {
  const release = await makeRelease({
    seed: 'stand-in',
    archives: STAND_IN_ARCHIVES,
    labelsOnly: [{ name: 'ChestDx-40', images: 3 }],
    toJpeg: quickJpeg,
    ...options,
    directory,
  });
  return {
    ...release,
    directory,
    pagePath: join(directory, 'index.html'),
    manifestPath: join(directory, 'manifest.json'),
  };
}

export interface ChestOptions extends StandInOptions {
  /** In each archive. Default 30. */
  readonly images?: number;
  /** Of each image, about; 65,000 at most. Default 4,000. */
  readonly bytes?: number;
}

/**
 * A stand-in for choosing images by label: the archives that chest_dx.csv speaks of, with images, labels
 * and patients about as often as they really are. By default 9 MB in all.
 */
export async function makeChestStandIn(
  directory: string,
  { images = 30, bytes = 4000, ...options }: ChestOptions = {},
): Promise<StandIn> {
  return makeStandIn(directory, {
    seed: 'chest',
    archives: chestArchives({ chest: images, pe: images }),
    labelsOnly: [],
    frequencies: REAL_FREQUENCIES,
    toJpeg: async (image) => {
      const small = await quickJpeg(image);
      const filling = randomBytes(Math.max(0, bytes - small.length), image.name);
      return withComment(small, filling.toString('latin1'));
    },
    ...options,
  });
}

/**
 * Stand-in archives of all that a user's listing of CC-CXRI-P names: 7,921 images and a stray file.
 * The label file is the real one, with its published MD5, size and entry in the manifest.
 * @param data the directory of `cc-cxri-p-paths.csv` and `viral_pneumonia_COVID-19.csv`
 * @param published the bundled manifest
 */
export async function makeRealNames(
  directory: string,
  data: string,
  published: Manifest,
): Promise<StandIn> {
  await mkdir(directory, { recursive: true });
  const covid = await readFile(join(data, COVID_FILE));
  const archives = toArchives(await readFile(join(data, 'cc-cxri-p-paths.csv'), 'utf8'));
  const standIn = await makeStandIn(directory, {
    archives,
    labelsOnly: [],
    labelFiles: { covid },
  });
  // What is published of the real file must hold for it here as well.
  const real = published.files.find(({ name }) => name === COVID_FILE);
  if (real === undefined) throw new Error(`the manifest has no ${COVID_FILE}`);
  const files = standIn.manifest.files.map((file) => (file.name === COVID_FILE ? real : file));
  const manifest = { ...standIn.manifest, files };
  await writeFile(standIn.manifestPath, toJson(manifest));
  return { ...standIn, manifest };
}

const COVID_FILE = 'viral_pneumonia_COVID-19.csv';

/** `Normal-1/patient17664_000.jpg` a line, under the header `path`. */
function toArchives(listing: string): readonly ArchiveSpec[] {
  const byArchive = new Map<string, string[]>();
  for (const line of listing.trimEnd().split('\n').slice(1)) {
    const [archive = '', file = ''] = line.trim().split('/');
    const files = byArchive.get(archive) ?? [];
    byArchive.set(archive, files);
    files.push(file);
  }
  return [...byArchive].map(([name, files]) => ({
    name,
    images: files.filter((file) => file.endsWith('.jpg')),
    strays: files.filter((file) => !file.endsWith('.jpg')),
  }));
}

/** By all that has a say in a picture. */
const drawn = new Map<string, Promise<Buffer>>();

/** Draws each of a few kinds of picture once; the images of a kind differ by a comment. */
async function quickJpeg(image: ReleaseImage): Promise<Buffer> {
  const { name, archive, size, covid, labels } = image;
  const kind = `${size} ${archive.replace(/-\d+$/, '')} ${covid} ${labels[0] ?? ''}`;
  const few = labels.slice(0, 1);
  const jpeg = drawn.get(kind) ?? drawJpeg({ ...image, labels: few, name: kind, patient: kind });
  drawn.set(kind, jpeg);
  return withComment(await jpeg, `${archive}/${name}`);
}
