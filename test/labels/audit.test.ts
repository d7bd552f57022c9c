import { describe, expect, it } from 'vitest';
import { JoinAudit } from '../../src/labels/audit.ts';
import { describeRemark, nextOfRemark } from '../../src/labels/describe-remark.ts';
import { compareWithLedger, joinArchive } from '../../src/labels/join.ts';
import { NO_FINDING_BIT } from '../../src/labels/label-names.ts';
import type { Remark } from '../../src/labels/remarks.ts';
import {
  CHEST,
  COVID,
  type Case,
  archives,
  auditOf,
  labelFiles,
  recordOf,
  tablesOf,
} from '../support/audit-cases.ts';

const cases: readonly Case[] = [
  {
    name: 'single images, beside which no others are expected',
    images: { 'ChestDx-1': ['a_0.jpg', 'mine_0.jpg'], 'Viral-1': ['v_0.jpg'], 'Viral-2': [] },
    records: {
      'ChestDx-1': recordOf('ChestDx-1', ['a_0.jpg']),
      'Viral-1': recordOf('Viral-1', ['v_0.jpg']),
    },
    chest: { 'ChestDx-1/a_0.jpg': 1, 'ChestDx-1/b_0.jpg': 1 },
    covid: { 'v_0.jpg': true, 'w_0.jpg': false },
    remarks: [{ kind: 'image-without-row', examples: ['ChestDx-1/mine_0.jpg'] }],
    absent: 2,
  },
  {
    name: 'nothing amiss',
    images: { 'ChestDx-1': ['a_0.jpg'], 'Viral-1': ['v_0.jpg'], 'Viral-2': ['w_0.jpg'] },
    chest: { 'ChestDx-1/a_0.jpg': 1 },
    covid: { 'v_0.jpg': true, 'w_0.jpg': false },
    remarks: [],
  },
  {
    name: 'no label was ever due for Normal and Other',
    images: { 'Normal-1': ['n_0.jpg'], 'Other-1': ['o_0.jpg'] },
    remarks: [],
  },
  {
    name: '#145 images without a row where one was due',
    images: {
      'ChestDx-1': ['a_0.jpg', 'b_0.jpg'],
      'Viral-1': ['v_0.jpg'],
      'Normal-1': ['n_0.jpg'],
    },
    chest: { 'ChestDx-1/a_0.jpg': 1 },
    covid: {},
    remarks: [
      {
        kind: 'image-without-row',
        file: CHEST,
        count: 1,
        examples: ['ChestDx-1/b_0.jpg'],
        strict: true,
      },
      {
        kind: 'image-without-row',
        file: COVID,
        count: 1,
        examples: ['Viral-1/v_0.jpg'],
        strict: true,
      },
    ],
  },
  {
    name: 'a label file that is not here, as one remark',
    images: { 'ChestDx-1': ['a_0.jpg', 'b_0.jpg'], 'Viral-1': ['v_0.jpg'] },
    remarks: [
      { kind: 'no-label-file', file: CHEST, count: 2, strict: true },
      { kind: 'no-label-file', file: COVID, count: 1, strict: true },
    ],
  },
  {
    name: '#145 rows without an image in an archive that is here',
    images: { 'ChestDx-1': ['a_0.jpg'] },
    chest: { 'ChestDx-1/a_0.jpg': 1, 'ChestDx-1/gone_0.jpg': 1 },
    remarks: [
      {
        kind: 'row-without-image',
        file: CHEST,
        count: 1,
        examples: ['ChestDx-1/gone_0.jpg'],
        strict: true,
      },
    ],
  },
  {
    name: 'rows of archives that are not here, set apart',
    images: { 'ChestDx-1': ['a_0.jpg'] },
    chest: {
      'ChestDx-1/a_0.jpg': 1,
      'ChestDx-2/b_0.jpg': 1,
      'ChestDx-2/c_0.jpg': 1,
      'Elsewhere/d_0.jpg': 0,
    },
    covid: { 'v_0.jpg': true },
    remarks: [{ kind: 'unknown-archive', file: CHEST, count: 1, examples: ['Elsewhere'] }],
    absent: 3,
  },
  {
    name: 'COVID-19 rows while one of two viral archives is not here',
    images: { 'Viral-1': ['v_0.jpg'] },
    covid: { 'v_0.jpg': true, 'w_0.jpg': true },
    remarks: [],
    absent: 1,
  },
  {
    name: 'COVID-19 rows without an image once both are here',
    images: { 'Viral-1': ['v_0.jpg'], 'Viral-2': [], 'Normal-1': ['w_0.jpg'] },
    covid: { 'v_0.jpg': true, 'w_0.jpg': true },
    remarks: [{ kind: 'row-without-image', file: COVID, count: 1, examples: ['w_0.jpg'] }],
  },
  {
    name: 'No_Finding together with another label',
    images: { 'ChestDx-1': ['a_0.jpg', 'b_0.jpg'] },
    chest: { 'ChestDx-1/a_0.jpg': NO_FINDING_BIT | 4, 'ChestDx-1/b_0.jpg': NO_FINDING_BIT },
    remarks: [
      { kind: 'contradictory-row', count: 1, examples: ['ChestDx-1/a_0.jpg'], strict: true },
    ],
  },
  {
    name: 'a patient in two archives, counted once',
    images: { 'Normal-1': ['p_0.jpg', 'p_1.jpg'], 'Other-1': ['p_2.jpg', 'p_3.jpg', 'q_0.jpg'] },
    remarks: [
      {
        kind: 'patient-in-two-archives',
        count: 1,
        examples: ['p in Normal-1 and Other-1'],
        strict: true,
      },
    ],
  },
  {
    name: 'a row with neither No_Finding nor another label',
    images: { 'ChestDx-1': ['a_0.jpg', 'b_0.jpg'] },
    chest: { 'ChestDx-1/a_0.jpg': 0, 'ChestDx-1/b_0.jpg': NO_FINDING_BIT },
    remarks: [{ kind: 'row-without-any', count: 1, examples: ['ChestDx-1/a_0.jpg'], strict: true }],
  },
  {
    name: 'an image in another archive than its row says, whose row has no image then',
    images: { 'ChestDx-1': ['a_0.jpg', 'b_0.jpg'], 'ChestDx-2': [] },
    chest: { 'ChestDx-1/a_0.jpg': 1, 'ChestDx-2/b_0.jpg': 1 },
    remarks: [
      {
        kind: 'image-in-other-archive',
        file: CHEST,
        count: 1,
        examples: ['ChestDx-1/b_0.jpg: ChestDx-2'],
        strict: true,
      },
      { kind: 'row-without-image', file: CHEST, count: 1, examples: ['ChestDx-2/b_0.jpg'] },
    ],
  },
  {
    name: 'stray files, at most five by name',
    images: { 'Normal-1': [] },
    strays: ['1.txt', '2.txt', '3.txt', '4.txt', '5.txt', '6.txt'],
    remarks: [
      {
        kind: 'stray-file',
        count: 6,
        examples: [1, 2, 3, 4, 5].map((n) => `Normal-1/${n}.txt`),
        strict: false,
      },
    ],
  },
];

describe('the audit finds', () => {
  it.each(cases)('$name', (testCase) => {
    const { remarks, rowsOfAbsentArchives } = auditOf(testCase);
    expect(remarks).toHaveLength(testCase.remarks.length);
    expect(remarks).toMatchObject(testCase.remarks);
    expect(rowsOfAbsentArchives).toBe(testCase.absent ?? 0);
  });

  it('what the reading of the label files found', () => {
    const tables = tablesOf({ name: '', images: {}, chest: {}, remarks: [] });
    const [table] = tables.chest;
    const odd = {
      ...table!,
      repeated: { count: 7, examples: ['a', 'b', 'c', 'd', 'e'] },
      extraColumns: ['age'],
    };
    const labels = { files: [], tables: { chest: [odd], covid: [] } };
    const audit = new JoinAudit({ archives, labels });
    audit.note('unknown-folder', 'Mine');
    expect(audit.finish().remarks).toEqual([
      {
        kind: 'repeated-row',
        file: CHEST,
        count: 7,
        examples: ['a', 'b', 'c', 'd', 'e'],
        strict: false,
      },
      { kind: 'unused-column', file: CHEST, count: 1, examples: ['age'], strict: false },
      { kind: 'unknown-folder', count: 1, examples: ['Mine'], strict: false },
    ]);
  });
});

describe('labels that no archive of the manifest takes', () => {
  const chest = { 'Elsewhere/d_0.jpg': 0, 'Elsewhere/e_0.jpg': 1 };
  const table = { ...tablesOf({ name: '', images: {}, chest, remarks: [] }).chest[0]!, rows: 2 };
  const covid = { 'v_0.jpg': true };
  const tags = { ...tablesOf({ name: '', images: {}, covid, remarks: [] }).covid[0]!, rows: 1 };
  const labels = { files: [], tables: { chest: [table], covid: [tags] } };
  const others = archives.filter(({ subsets }) => !subsets.includes('viral'));

  it('are remarks, and no rows of archives that are not here', () => {
    const audit = new JoinAudit({ archives: others, labels });
    expect(audit.finish()).toMatchObject({
      remarks: [
        { kind: 'unplaced-rows', file: CHEST, count: 2, examples: ['Elsewhere'], strict: true },
        { kind: 'unplaced-rows', file: COVID, count: 1, examples: ['v_0.jpg'], strict: true },
      ],
      rowsOfAbsentArchives: 0,
    });
  });

  it('are not looked at for a selection of archives', () => {
    const audit = new JoinAudit({ archives: others, labels, asked: new Set(['ChestDx-1']) });
    expect(audit.finish()).toMatchObject({ remarks: [], rowsOfAbsentArchives: 0 });
  });
});

it('expects a row where the label file names the archive, whatever its subsets', () => {
  const testCase = { name: '', images: {}, chest: { 'Mine-1/a_0.jpg': 1 }, remarks: [] };
  const tables = tablesOf(testCase);
  const files = [{ ...labelFiles(testCase)[0]!, subsets: ['labels'] }];
  const images = ['a_0.jpg', 'b_0.jpg'];
  const of = { file: 'Mine-1.zip', stem: 'Mine-1', subsets: ['mine'] };
  const folder = { ...of, images, strays: [] };
  const archive = compareWithLedger(folder, undefined);
  const audit = new JoinAudit({ archives: [archive], labels: { files, tables } });
  audit.add(archive, joinArchive(archive, tables));
  expect(audit.finish().remarks).toMatchObject([
    { kind: 'image-without-row', file: CHEST, count: 1, examples: ['Mine-1/b_0.jpg'] },
  ]);
});

describe('describeRemark', () => {
  it('names count, file and the first examples, safe for a terminal', () => {
    const remark: Remark = {
      kind: 'image-without-row',
      file: CHEST,
      count: 1234,
      examples: ['ChestDx-1/\u001b[2J.jpg', 'b', 'c'],
      strict: true,
    };
    expect(describeRemark(remark)).toBe(
      String.raw`1,234 images without a row in chest_dx.csv (ChestDx-1/\x1b[2J.jpg, b, …)`,
    );
  });

  it.each([
    [1, '1 file under images/ is no image (Normal-4/a.txt)'],
    [2, '2 files under images/ are no images (Normal-4/a.txt, …)'],
  ])('counts stray files in good grammar: %d', (count, text) => {
    const examples = ['Normal-4/a.txt'];
    expect(describeRemark({ kind: 'stray-file', count, examples, strict: false })).toBe(text);
  });

  it.each([
    [1, '1 patient whose images are not numbered from 000 without gaps'],
    [1234, '1,234 patients whose images are not numbered from 000 without gaps'],
  ])('counts what is known to hold of the published release and does not: %d', (count, text) => {
    expect(describeRemark({ kind: 'number-gap', count, examples: [], strict: true })).toBe(text);
  });

  it('says what to type where index.csv was edited', () => {
    const remark = { kind: 'index-differs', count: 1, examples: [], strict: true } as const;
    expect(nextOfRemark(remark)).toMatchObject([{ kind: 'run', command: 'join' }]);
  });

  it('says how to get a label file that is not here', () => {
    const remark: Remark = {
      kind: 'no-label-file',
      file: CHEST,
      count: 1,
      examples: ['ChestDx-1/a.jpg'],
      strict: true,
    };
    expect(describeRemark(remark)).toContain('chest_dx.csv is not here');
    expect(nextOfRemark(remark)).toMatchObject([{ command: 'fetch', files: ['chest_dx.csv'] }]);
    expect(nextOfRemark({ ...remark, kind: 'unused-column' })).toBeUndefined();
  });
});
