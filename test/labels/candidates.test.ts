import { describe, expect, it } from 'vitest';
import { archivesToList, candidatesOf, unknownArchives } from '../../src/labels/candidates.ts';
import type { ImageChoice } from '../../src/labels/image-choice.ts';
import type { LabelTables } from '../../src/labels/join.ts';
import { NO_FINDING_BIT } from '../../src/labels/label-names.ts';

const FACTS = { rows: 2, repeated: { count: 0, examples: [] }, extraColumns: [] };

const TABLES: LabelTables = {
  chest: [
    {
      form: 'chest',
      file: 'chest_dx.csv',
      byArchive: new Map([
        ['ChestDx-1', new Map([['patient1_000.jpg', NO_FINDING_BIT]])],
        ['ChestDx-99', new Map([['patient2_000.jpg', 1]])],
      ]),
      ...FACTS,
    },
  ],
  covid: [
    { form: 'covid', file: 'covid.csv', byImage: new Map([['patient6_000.jpg', true]]), ...FACTS },
  ],
};

const ARCHIVES = [
  { file: 'ChestDx-1.zip', stem: 'ChestDx-1', subsets: ['chestdx'] },
  { file: 'Normal-1.zip', stem: 'Normal-1', subsets: ['cc-cxri-p', 'normal'] },
  { file: 'Viral-1.zip', stem: 'Viral-1', subsets: ['cc-cxri-p', 'viral'] },
  { file: 'Other-1.zip', stem: 'Other-1', subsets: ['cc-cxri-p', 'other'] },
];

describe('candidatesOf', () => {
  it('takes rows of archives that are selected, and the images of listed ones', () => {
    const members = new Map([
      ['Viral-1', ['patient6_000.jpg', 'patient7_000.png']],
      ['ChestDx-1', ['never.jpg']],
    ]);
    const found = [...candidatesOf({ archives: ARCHIVES, tables: TABLES, members })];
    const chest = { archive: 'ChestDx-1', subset: 'chestdx', group: null, covid: null };
    const viral = { archive: 'Viral-1', subset: 'cc-cxri-p', group: 'Viral', bits: null };
    expect(found).toEqual([
      { ...chest, image: 'patient1_000.jpg', patientId: 'patient1', bits: NO_FINDING_BIT },
      { ...viral, image: 'patient6_000.jpg', patientId: 'patient6', covid: true },
      { ...viral, image: 'patient7_000.jpg', patientId: 'patient7', covid: null },
    ]);
  });
});

describe('archivesToList', () => {
  it.each<[name: string, choice: Partial<ImageChoice>, stems: string]>([
    ['a label of chest_dx.csv', { labels: ['Hernia'] }, ''],
    ['controls for one', { labels: ['Hernia'], normals: 5 }, ''],
    ['COVID-19', { labels: ['COVID-19'] }, 'Viral-1'],
    ['COVID-19 with controls', { labels: ['COVID-19', 'Mass'], normals: 5 }, 'Normal-1 Viral-1'],
    ['all but COVID-19', { withoutLabels: ['COVID-19'] }, 'Viral-1'],
    ['a label and not COVID-19', { labels: ['Mass'], withoutLabels: ['COVID-19'] }, ''],
    ['no label', { limit: 5 }, 'Normal-1 Viral-1 Other-1'],
    ['patients with rows', { patients: new Set(['patient1']) }, ''],
    ['patients with tags', { patients: new Set(['patient1', 'patient6']) }, 'Viral-1'],
    ['patients nobody has named', { patients: new Set(['patient8']) }, 'Normal-1 Viral-1 Other-1'],
    ['images with rows', { images: new Set(['patient1_000.jpg']) }, ''],
    ['images by archive', { images: new Set(['Other-1/patient9_000.jpg']) }, 'Other-1'],
    ['images nobody has named', { images: new Set(['x.jpg']) }, 'Normal-1 Viral-1 Other-1'],
  ])('of %s', (_, choice, stems) => {
    const whole = { labels: [], withoutLabels: [], seed: '0', ...choice };
    const listed = archivesToList(whole, { archives: ARCHIVES, tables: TABLES });
    expect(listed.map(({ stem }) => stem).join(' ')).toBe(stems);
  });
});

describe('unknownArchives', () => {
  it('#223 counts the rows of archives that the manifest does not have', () => {
    expect(unknownArchives(TABLES, ARCHIVES)).toEqual([
      {
        kind: 'unknown-archive',
        file: 'chest_dx.csv',
        count: 1,
        examples: ['ChestDx-99'],
        strict: false,
      },
    ]);
    expect(unknownArchives(TABLES, [])).toMatchObject([{ kind: 'unplaced-rows', strict: true }]);
  });
});
