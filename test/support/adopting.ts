import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { membersOf } from '../../src/dataset/member-index.ts';
import { openAtSource } from '../../src/ranges/open-ranged.ts';
import { adoptDataset } from '../../src/adopt/adopt-dataset.ts';
import type { AdoptOptions, AdoptResult, LeftWhy } from '../../src/adopt/types.ts';
import type { Manifest } from '../../src/manifest/manifest.ts';
import { CHEST_HEADER, chestRow } from './csv.ts';
import { type Sample, manifestOf, noise, sampleLabels, toSample } from './fetching.ts';
import { writeTree } from './temp-dirs.ts';
import { withFetchRun } from './downloads.ts';
import { likeJpeg } from './tiny-jpeg.ts';
import { type ZipMember, buildZip } from './zip-builder.ts';

/** A made-up release as a lab may hold it in pieces. */
export interface Release {
  readonly manifest: Manifest;
  readonly samples: ReadonlyMap<string, Sample>;
  /** By archive stem, then name. */
  readonly images: ReadonlyMap<string, Readonly<Record<string, Buffer>>>;
}

const IMAGES_EACH = 6;
const SUBSETS: Readonly<Record<string, readonly string[]>> = {
  'ChestDx-1': ['chestdx'],
  'ChestDx-2': ['chestdx'],
  'ChestDx_PE-1': ['chestdx-pe'],
  'Normal-1': ['cc-cxri-p', 'normal'],
  'Viral-1': ['cc-cxri-p', 'viral'],
  'Viral-2': ['cc-cxri-p', 'viral'],
  'Other-1': ['cc-cxri-p', 'other'],
};

export function zipOf(images: Readonly<Record<string, Buffer>>, more: Partial<ZipMember> = {}) {
  return buildZip(
    Object.entries(images).map(([name, content]) => ({ name, content, method: 0, ...more })),
  );
}

/** Sizes differ by archive, so that each has a window of its own where the unit is K. */
export function makeRelease(): Release {
  const samples = new Map<string, Sample>();
  const images = new Map<string, Record<string, Buffer>>();
  const rows: string[] = [];
  const covid: string[] = [];
  for (const [at, [stem, subsets]] of Object.entries(SUBSETS).entries()) {
    const own: Record<string, Buffer> = {};
    for (let n = 0; n < IMAGES_EACH; n += 1) {
      const name = `patient${at}${n}_000.jpg`;
      own[name] = likeJpeg(noise(`${stem} ${n}`, 4000 + 700 * at + n));
      if (stem.startsWith('ChestDx')) rows.push(chestRow(name, stem));
      if (stem.startsWith('Viral')) covid.push(`${name},${n % 2 === 0 ? 'True' : 'False'}`);
    }
    images.set(stem, own);
    const facts = { kind: 'archive', category: 'x', subsets };
    samples.set(stem, toSample(`${stem}.zip`, zipOf(own), facts));
  }
  const label = (name: string, text: string, subsets: readonly string[]) => {
    const { bytes, file } = sampleLabels(name, text);
    samples.set(name, { name, bytes, file: { ...file, subsets, bytes: bytes.length } });
  };
  label('chest_dx.csv', `${[CHEST_HEADER, ...rows].join('\n')}\n`, ['chestdx', 'chestdx-pe']);
  const viral = `${['image,COVID-19', ...covid].join('\n')}\n`;
  label('viral_pneumonia_COVID-19.csv', viral, ['cc-cxri-p', 'viral']);
  return { manifest: manifestOf(...samples.values()), samples, images };
}

export function bytesOf({ samples }: Release, name: string): Buffer {
  const sample = samples.get(name);
  if (sample === undefined) throw new Error(`no ${name}`);
  return sample.bytes;
}

export function imagesOf({ images }: Release, stem: string): Readonly<Record<string, Buffer>> {
  return images.get(stem) ?? {};
}

/** With a folder before each name. */
export function inFolder(
  folder: string,
  images: Readonly<Record<string, Buffer>>,
): Readonly<Record<string, Buffer>> {
  return Object.fromEntries(
    Object.entries(images).map(([name, content]) => [`${folder}/${name}`, content]),
  );
}

export async function putLabels(release: Release, folder: string): Promise<void> {
  for (const name of ['chest_dx.csv', 'viral_pneumonia_COVID-19.csv']) {
    await writeFile(join(folder, name), bytesOf(release, name));
  }
}

export function adopt(options: AdoptOptions): Promise<AdoptResult> {
  return adoptDataset(options);
}

/** How many were left for each reason. */
export function leftOf({ left }: AdoptResult): Readonly<Partial<Record<LeftWhy, number>>> {
  return Object.fromEntries(left.map(({ why, count }) => [why, count]));
}

/** `did how` of each file. */
export function filesOf({ files }: AdoptResult): Readonly<Record<string, string>> {
  return Object.fromEntries(
    files.map(({ file, did, how }) => [file, how === null ? did : `${did} ${how}`]),
  );
}

/** Keeps the member index of every archive, as a run with a network has left it. */
export async function keepIndexes({ manifest, samples }: Release, dest: string): Promise<void> {
  const mirror = `${dest}-mirror`;
  const files = [...samples.values()].map(({ name, bytes }) => [name, bytes] as const);
  await writeTree(mirror, Object.fromEntries(files));
  await withFetchRun({ dest, manifest, sources: [mirror] }, async ({ session, downloads }) => {
    for (const file of manifest.files) {
      if (file.kind !== 'archive') continue;
      const { ranged } = await openAtSource(file, downloads);
      await membersOf(file, ranged, session);
      await ranged.close();
    }
  });
  await rm(mirror, { recursive: true });
}
