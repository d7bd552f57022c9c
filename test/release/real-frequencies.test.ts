import { describe, expect, it } from 'vitest';
import { labelFilesOf } from '../../scripts/release/label-files.ts';
import { planRelease } from '../../scripts/release/plan-release.ts';
import {
  REAL_FREQUENCIES,
  REAL_IMAGES,
  chestArchives,
} from '../../scripts/release/real-frequencies.ts';
import type { ReleaseImage, ReleaseSpec } from '../../scripts/release/release-types.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { stemOf } from '../../src/manifest/manifest.ts';
import { parseCsv } from '../support/csv.ts';

const SPEC: ReleaseSpec = {
  seed: 'frequencies',
  archives: chestArchives(REAL_IMAGES),
  frequencies: REAL_FREQUENCIES,
};

/** Counted in 24,023 real rows of ChestDx. */
const REAL_SHARES = {
  Hernia: 14 / 24_023,
  Edema: 55 / 24_023,
  Mass: 257 / 24_023,
  Effusion: 1714 / 24_023,
  Infiltration: 2902 / 24_023,
  Pneumonia: 3114 / 24_023,
} as const;

function imagesByPatient(images: readonly ReleaseImage[]): ReadonlyMap<string, ReleaseImage[]> {
  const byPatient = new Map<string, ReleaseImage[]>();
  for (const image of images) {
    const own = byPatient.get(image.patient) ?? [];
    byPatient.set(image.patient, own);
    own.push(image);
  }
  return byPatient;
}

describe('a release with the frequencies of the real one', () => {
  const images = planRelease(SPEC).archives.flatMap((archive) => archive.images);

  it('has the archives that chest_dx.csv speaks of', async () => {
    const { files } = await loadManifest();
    const real = files.filter(({ name }) => /^ChestDx.*\.zip$/.test(name));
    expect(SPEC.archives.map(({ name }) => name)).toEqual(real.map(({ name }) => stemOf(name)));
    expect(images).toHaveLength(162_007);
  });

  it('has each label about as often as it is, the rare ones spread over most archives', () => {
    for (const [label, share] of Object.entries(REAL_SHARES)) {
      const own = images.filter(({ labels }) => labels.some((each) => each === label));
      // Within four standard deviations.
      const expected = share * images.length;
      expect(Math.abs(own.length - expected)).toBeLessThan(4 * Math.sqrt(expected));
    }
    const healthy = images.filter(({ labels }) => labels.length === 0);
    expect(healthy.length / images.length).toBeCloseTo(17_104 / 24_023, 2);
    const rare = images.filter(({ labels }) => labels.includes('Hernia'));
    expect(new Set(rare.map(({ archive }) => archive)).size).toBeGreaterThan(40);
  });

  it('has patients of 1 to 6 images from 000 on, of ChestDx-PE 1 to 4, each in one archive', () => {
    const byPatient = [...imagesByPatient(images).values()];
    const isWrong = (own: readonly ReleaseImage[]) =>
      own.some(({ name }, at) => !name.endsWith(`_00${at}.jpg`)) ||
      own.some(({ archive }) => archive !== own[0]?.archive);
    expect(byPatient.filter(isWrong)).toEqual([]);
    const mostOf = (stem: string) =>
      byPatient
        .filter(([first]) => first?.archive.startsWith(`${stem}-`))
        .reduce((most, { length }) => Math.max(most, length), 0);
    expect([mostOf('ChestDx'), mostOf('ChestDx_PE')]).toEqual([6, 4]);
    expect(images.length / byPatient.length).toBeCloseTo(162_500 / (92_300 + 37_804), 1);
  });

  it('has rows in no order of archives, and the same ones for a seed', () => {
    const small = { ...SPEC, archives: chestArchives({ chest: 4, pe: 3 }) };
    const [, csv] = [...labelFilesOf(small, planRelease(small))][0]!;
    const again = [...labelFilesOf(small, planRelease(small))][0]![1];
    expect(again).toEqual(csv);
    const zips = parseCsv(Buffer.from(csv).toString()).map((row) => row['zip']);
    expect(zips).toHaveLength(51 * 4 + 23 * 3);
    const neighbours = zips.filter((zip, at) => zip === zips[at + 1]);
    expect(neighbours.length).toBeLessThan(20);
  });
});
