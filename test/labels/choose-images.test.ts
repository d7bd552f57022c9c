import { describe, expect, it } from 'vitest';
import { chooseImages, type ChosenImages } from '../../src/labels/choose-images.ts';
import type { Candidate, ImageChoice } from '../../src/labels/image-choice.ts';
import { LABEL_COLUMNS, type LabelColumn } from '../../src/labels/label-names.ts';

function chest(image: string, ...labels: readonly LabelColumn[]): Candidate {
  const [number = ''] = image.split('_');
  const bits = labels.reduce((sum, label) => sum | (1 << LABEL_COLUMNS.indexOf(label)), 0);
  const facts = { subset: 'chestdx', group: null, covid: null, bits };
  return {
    archive: 'ChestDx-1',
    image: `patient${image}.jpg`,
    patientId: `patient${number}`,
    ...facts,
  };
}

function viral(image: string, covid: boolean | null): Candidate {
  const facts = { archive: 'Viral-1', subset: 'cc-cxri-p', group: 'Viral' as const, bits: null };
  return { ...chest(image), ...facts, covid };
}

function normal(image: string): Candidate {
  return { ...viral(image, null), archive: 'Normal-1', group: 'Normal' };
}

const CANDIDATES: readonly Candidate[] = [
  chest('1_000', 'Hernia'),
  chest('1_001', 'No_Finding'),
  chest('2_000', 'Hernia', 'Edema'),
  chest('3_000', 'Edema', 'Mass'),
  chest('4_000', 'No_Finding'),
  chest('5_000', 'No_Finding'),
  viral('6_000', true),
  viral('7_000', false),
  viral('8_000', null),
  normal('9_000'),
];

function choose(choice: Partial<ImageChoice>, among = CANDIDATES): ChosenImages {
  return chooseImages(among, { labels: [], withoutLabels: [], seed: '0', ...choice });
}

const namesOf = (candidates: readonly Candidate[]) =>
  candidates.map(({ image }) => image.slice('patient'.length, -'.jpg'.length)).join(' ');

describe('chooseImages', () => {
  it.each<[name: string, choice: Partial<ImageChoice>, images: string, controls?: string]>([
    ['a label', { labels: ['Hernia'] }, '1_000 2_000'],
    ['any of several', { labels: ['Hernia', 'Mass'] }, '1_000 2_000 3_000'],
    ['all of several', { labels: ['Hernia', 'Edema'], allLabels: true }, '2_000'],
    ['a label without another', { labels: ['Edema'], withoutLabels: ['Hernia'] }, '3_000'],
    ['No_Finding', { labels: ['No_Finding'] }, '1_001 4_000 5_000'],
    ['COVID-19', { labels: ['COVID-19'] }, '6_000'],
    ['labels of both files', { labels: ['COVID-19', 'Mass'] }, '3_000 6_000'],
    ['all of what no image can have', { labels: ['COVID-19', 'Mass'], allLabels: true }, ''],
    ['known to be without one', { withoutLabels: ['Edema', 'No_Finding'] }, '1_000'],
    ['known to be without COVID-19', { withoutLabels: ['COVID-19'] }, '7_000'],
    ['patients', { patients: new Set(['patient1', 'patient9']) }, '1_000 1_001 9_000'],
    ['patients with a label', { labels: ['Hernia'], patients: new Set(['patient1']) }, '1_000'],
    ['images', { images: new Set(['patient4_000.jpg']) }, '4_000'],
    [
      'images by archive',
      { images: new Set(['Viral-1/patient6_000.jpg', 'Viral-1/patient4_000.jpg']) },
      '6_000',
    ],
    [
      'an image of a patient',
      { images: new Set(['patient1_000.jpg']), patients: new Set(['patient2']) },
      '',
    ],
    [
      'controls of no patient that has the label',
      { labels: ['Hernia'], normals: 9 },
      '1_000 2_000',
      '4_000 5_000',
    ],
    ['controls of CC-CXRI-P for COVID-19', { labels: ['COVID-19'], normals: 9 }, '6_000', '9_000'],
    [
      'controls of both parts',
      { labels: ['COVID-19', 'Mass'], normals: 9 },
      '3_000 6_000',
      '1_001 4_000 5_000 9_000',
    ],
    [
      'controls among the patients of a list',
      { labels: ['Hernia'], normals: 9, patients: new Set(['patient1', 'patient5']) },
      '1_000',
      '5_000',
    ],
    [
      'controls for listed patients: others',
      { normals: 9, patients: new Set(['patient3', 'patient5']) },
      '3_000 5_000',
      '1_001 4_000',
    ],
  ])('picks %s', (_, choice, images, controls = '') => {
    const chosen = choose(choice);
    expect(namesOf(chosen.images)).toBe(images);
    expect(namesOf(chosen.controls)).toBe(controls);
  });

  it('counts the labels of what was chosen, and of what fits, those asked for first', () => {
    const { labels, fitting } = choose({ labels: ['Mass', 'Edema', 'Fibrosis'], limit: 1 });
    expect(fitting).toBe(2);
    expect(labels.map(({ label }) => label)).toEqual(['Mass', 'Edema', 'Fibrosis', 'Hernia']);
    expect(labels.map((each) => each.fitting)).toEqual([1, 2, 0, 1]);
    expect(labels[1]?.images).toBe(1);
  });

  it('names what of the lists is nowhere', () => {
    const { unknownPatients, unknownImages } = choose({
      patients: new Set(['patient1', 'patient77']),
      images: new Set(['patient1_000.jpg', 'Viral-1/patient1_000.jpg', 'x.jpg']),
    });
    expect(unknownPatients).toEqual(['patient77']);
    expect(unknownImages).toEqual(['Viral-1/patient1_000.jpg', 'x.jpg']);
  });
});

const MANY = Array.from({ length: 500 }, (_, at) =>
  chest(
    `${1000 + at}_000`,
    ...(at % 5 === 0 ? ['Hernia' as const] : ['No_Finding' as const]),
    ...(at % 7 === 0 ? ['Mass' as const] : []),
  ),
);

describe('a limit', () => {
  it('takes the same images on every machine', () => {
    // By `sha256(seed + "/" + image)`: any language can say which these are.
    expect(namesOf(choose({ labels: ['Hernia'], limit: 4 }, MANY).images)).toBe(
      '1025_000 1165_000 1410_000 1480_000',
    );
  });

  it.each<Partial<ImageChoice>>([
    { labels: ['Hernia'] },
    { labels: [] },
    { labels: ['Hernia', 'Mass'], seed: 'another' },
  ])('takes more besides where it is larger, in whatever order: %j', (choice) => {
    const [few, many] = [10, 40].map((n) => ({
      limit: choose({ ...choice, limit: n }, MANY),
      perLabel: choose({ ...choice, perLabel: n }, [...MANY].reverse()),
      normals: choose({ ...choice, labels: ['Hernia'], normals: n }, MANY),
    }));
    expect(few?.limit.images).toHaveLength(10);
    expect(many?.limit.images).toHaveLength(40);
    expect(many?.limit.images).toEqual(expect.arrayContaining([...(few?.limit.images ?? [])]));
    expect(many?.perLabel.images).toEqual(
      expect.arrayContaining([...(few?.perLabel.images ?? [])]),
    );
    expect(few?.normals.controls).toHaveLength(10);
    expect(many?.normals.controls).toEqual(
      expect.arrayContaining([...(few?.normals.controls ?? [])]),
    );
  });

  it('takes others by another seed', () => {
    const [one, other] = ['1', '2'].map((seed) => choose({ seed, limit: 10 }, MANY).images);
    expect(one).not.toEqual(other);
  });

  it('holds for each label that is named, or for each there is', () => {
    const named = choose({ labels: ['Hernia', 'Mass'], perLabel: 12 }, MANY).labels;
    for (const { label, images } of named) {
      if (label !== 'No_Finding') expect(images).toBeGreaterThanOrEqual(12);
    }
    const each = choose({ perLabel: 3 }, MANY);
    expect(each.images.length).toBeLessThanOrEqual(9);
    expect(each.labels.map(({ label }) => label)).toEqual(['Hernia', 'Mass', 'No_Finding']);
  });
});
