import { describe, expect, it } from 'vitest';
import type { MembersRecord } from '../../src/dataset/ledger.ts';
import { LABEL_COLUMNS, NO_FINDING_BIT } from '../../src/labels/label-names.ts';
import {
  compareWithLedger,
  compareArchives,
  groupOf,
  joinArchive,
  patientOf,
  type ArchiveFolder,
  type LabelTables,
} from '../../src/labels/join.ts';

const MASS = 1 << LABEL_COLUMNS.indexOf('Mass');
const NONE = { count: 0, examples: [] };

const tables: LabelTables = {
  chest: [
    {
      form: 'chest',
      file: 'chest_dx.csv',
      rows: 3,
      byArchive: new Map([
        ['ChestDx-1', new Map([['p1_000.jpg', MASS]])],
        ['ChestDx-2', new Map([['p9_000.jpg', NO_FINDING_BIT]])],
      ]),
      repeated: NONE,
      extraColumns: [],
    },
  ],
  covid: [
    {
      form: 'covid',
      file: 'covid.csv',
      rows: 3,
      byImage: new Map([
        ['v1_000.jpg', true],
        ['v2_000.jpg', false],
        ['n1_000.jpg', true],
      ]),
      repeated: NONE,
      extraColumns: [],
    },
  ],
};

function archive(stem: string, subsets: string[], ...images: string[]): ArchiveFolder {
  return { file: `${stem}.zip`, stem, subsets, images, strays: [] };
}

describe('joinArchive', () => {
  it('gives every column of an image that has labels', () => {
    expect(joinArchive(archive('ChestDx-1', ['chestdx'], 'p1_000.jpg'), tables)).toEqual([
      {
        check: 'named',
        path: 'images/ChestDx-1/p1_000.jpg',
        image: 'p1_000.jpg',
        archive: 'ChestDx-1',
        subset: 'chestdx',
        class: null,
        patientId: 'p1',
        labels: MASS,
        covid: null,
      },
    ]);
  });

  const record = (more: Partial<MembersRecord> = {}): MembersRecord => ({
    ledgerVersion: 2,
    archive: 'ChestDx-1.zip',
    md5: null,
    isComplete: false,
    extractedAt: '2026-01-05T10:11:12Z',
    members: [
      { path: 'a_0.jpg', bytes: 1, crc32: 1, state: 'crc-checked' },
      { path: 'b_0.jpg', bytes: 1, crc32: 1, state: 'verified' },
      { path: 'p\u00e9_0.jpg', bytes: 1, crc32: 1, state: 'content-checked' },
    ],
    ...more,
  });

  it.each([
    ['a single image', 'a_0.jpg', record(), 'crc-checked'],
    ['one of an extraction', 'b_0.jpg', record(), 'verified'],
    ['one in another Unicode form', 'pe\u0301_0.jpg', record(), 'content-checked'],
    ['one that the ledger does not know', 'c_0.jpg', record(), 'named'],
    ['one that was converted', 'b_0.png', record(), 'named'],
    ['one of a folder that verify found bad', 'b_0.jpg', record({ foundBadAt: 'then' }), 'named'],
    ['one without a ledger', 'a_0.jpg', undefined, 'named'],
  ])('says how %s was checked', (_, image, ledger, check) => {
    const compared = compareWithLedger(archive('ChestDx-1', ['chestdx'], image), ledger);
    expect(joinArchive(compared, tables)).toMatchObject([{ image, check }]);
  });

  it.each([
    {
      stem: 'Viral-1',
      subsets: ['cc-cxri-p', 'viral'],
      image: 'v1_000.jpg',
      class: 'COVID-19',
      covid: true,
    },
    {
      stem: 'Viral-1',
      subsets: ['cc-cxri-p', 'viral'],
      image: 'v2_000.jpg',
      class: 'Viral',
      covid: false,
    },
    // Either may be true: not known, rather than among the negatives of COVID-19.
    {
      stem: 'Viral-1',
      subsets: ['cc-cxri-p', 'viral'],
      image: 'v3_000.jpg',
      class: null,
      covid: null,
    },
    // The tag is for viral pneumonia: a normal control of the same image name has none.
    {
      stem: 'Normal-1',
      subsets: ['cc-cxri-p', 'normal'],
      image: 'n1_000.jpg',
      class: 'Normal',
      covid: null,
    },
    {
      stem: 'Other-1',
      subsets: ['cc-cxri-p', 'other'],
      image: 'v1_000.jpg',
      class: 'Other',
      covid: null,
    },
    { stem: 'ChestDx-1', subsets: ['chestdx'], image: 'v1_000.jpg', class: null, covid: null },
  ])('$stem $image is $class', ({ stem, subsets, image, ...expected }) => {
    expect(joinArchive(archive(stem, subsets, image), tables)[0]).toMatchObject({
      ...expected,
      subset: subsets[0],
      labels: null,
    });
  });

  it("does not take another archive's row, though the image has the same name", () => {
    const [row] = joinArchive(archive('ChestDx-1', ['chestdx'], 'p9_000.jpg'), tables);
    expect(row?.labels).toBeNull();
  });

  it('sorts by image, whatever folder below it lies in', () => {
    const images = ['z/p2_000.jpg', 'p10_000.jpg', 'p1_001.jpg', 'b/p1_000.jpg', 'a/p1_000.jpg'];
    expect(joinArchive(archive('ChestDx-1', ['chestdx'], ...images), tables)).toMatchObject([
      { path: 'images/ChestDx-1/p10_000.jpg' },
      { path: 'images/ChestDx-1/a/p1_000.jpg', image: 'p1_000.jpg', labels: MASS },
      { path: 'images/ChestDx-1/b/p1_000.jpg', image: 'p1_000.jpg', labels: MASS },
      { path: 'images/ChestDx-1/p1_001.jpg' },
      { path: 'images/ChestDx-1/z/p2_000.jpg' },
    ]);
  });

  it('knows nothing without tables', () => {
    const rows = joinArchive(archive('Viral-1', ['cc-cxri-p', 'viral'], 'v1_000.jpg'), {
      chest: [],
      covid: [],
    });
    expect(rows).toMatchObject([{ class: null, covid: null, labels: null }]);
  });
});

it.each([
  ['patient17664_000.jpg', 'patient17664'],
  ['patient_a_b_001.png', 'patient_a_b'],
  ['noline.jpg', ''],
  ['_000.jpg', ''],
])('the patient of %s is "%s"', (image, patient) => {
  expect(patientOf(image)).toBe(patient);
});

it('puts archives in the order of their numbers', () => {
  const sorted = ['ChestDx-2', 'ChestDx-10', 'ChestDx_PE-1', 'Normal-4', 'Other-1', 'Viral-2'];
  expect([...sorted].sort().join()).not.toBe(sorted.join());
  expect([...sorted].reverse().sort(compareArchives)).toEqual(sorted);
  expect(compareArchives('A-01', 'A-1')).toBe(-1);
  expect(compareArchives('mirror', 'mirror')).toBe(0);
});

it.each([
  [['chestdx'], null],
  [['chestdx-pe'], null],
  [['cc-cxri-p', 'normal'], 'Normal'],
  [['cc-cxri-p', 'viral'], 'Viral'],
  [['cc-cxri-p', 'other'], 'Other'],
])('an archive of %s is %s', (subsets, group) => {
  expect(groupOf(subsets)).toBe(group);
});
