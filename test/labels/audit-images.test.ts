import { expect, it } from 'vitest';
import type { MembersRecord } from '../../src/dataset/ledger.ts';
import { type Case, auditOf, recordOf } from '../support/audit-cases.ts';

/** Of an archive that was extracted. */
function wholeRecordOf(stem: string, paths: readonly string[]): MembersRecord {
  return { ...recordOf(stem, paths), md5: '0'.repeat(32), isComplete: true };
}

/** With these lengths and CRC-32s. */
function withBytes(
  record: MembersRecord,
  contents: readonly (readonly [bytes: number, crc32: number])[],
): MembersRecord {
  const members = record.members.map((member, at) => {
    const [bytes = 0, crc = 0] = contents[at] ?? [];
    return { ...member, bytes, crc32: crc };
  });
  return { ...record, members };
}

const cases: readonly Case[] = [
  {
    name: 'a name that an archive has twice, also with another ending',
    images: { 'Normal-1': ['a_0.jpg', 'more/a_0.jpg', 'b_0.png', 'b_0.jpg', 'b_1.jpg'] },
    remarks: [
      {
        kind: 'repeated-image',
        count: 2,
        examples: ['Normal-1/more/a_0.jpg', 'Normal-1/b_0.png'],
        strict: true,
      },
    ],
  },
  {
    name: 'a name that two archives have',
    images: { 'Normal-1': ['a_0.jpg', 'b_0.jpg'], 'Other-1': ['a_0.jpg', 'c_0.jpg'] },
    remarks: [
      {
        kind: 'image-in-two-archives',
        count: 1,
        examples: ['a_0.jpg in Normal-1 and Other-1'],
        strict: true,
      },
      { kind: 'patient-in-two-archives', count: 1 },
    ],
  },
  {
    name: 'gaps in the numbers of patients, where all members are known',
    images: {
      'Normal-1': ['a_000.jpg', 'a_001.jpg', 'b_001.jpg', 'c_000.jpg', 'd_000.jpg', 'd_002.jpg'],
      'Other-1': ['e_001.jpg'],
    },
    records: {
      'Normal-1': wholeRecordOf('Normal-1', [
        ...['a_000.jpg', 'a_001.jpg', 'b_001.jpg', 'c_000.jpg', 'd_000.jpg', 'd_002.jpg'],
        // Not here any more: no gap of the archive.
        ...['c_001.jpg', 'c_002.jpg', 'none.jpg', 'f_x.jpg', '7_.txt', 'g_003.txt'],
      ]),
      'Other-1': recordOf('Other-1', ['e_001.jpg']),
    },
    remarks: [
      {
        kind: 'number-gap',
        count: 2,
        examples: ['Normal-1/b_000 is missing', 'Normal-1/d_001 is missing'],
        strict: true,
      },
    ],
  },
  {
    name: 'identical images, in whatever archives; empty ones are none',
    images: { 'Normal-1': ['a_0.jpg', 'b_0.jpg', 'c_0.jpg'], 'Other-1': ['d_0.jpg', 'e_0.jpg'] },
    records: {
      'Normal-1': withBytes(wholeRecordOf('Normal-1', ['a_0.jpg', 'b_0.jpg', 'c_0.jpg', 'x.txt']), [
        ...[[1, 7] as const, [2, 7] as const, [0, 0] as const, [1, 7] as const],
      ]),
      'Other-1': withBytes(wholeRecordOf('Other-1', ['d_0.jpg', 'e_0.jpg']), [
        ...[[1, 7] as const, [0, 0] as const],
      ]),
    },
    remarks: [
      {
        kind: 'identical-images',
        count: 1,
        examples: ['Other-1/d_0.jpg and Normal-1/a_0.jpg'],
        strict: false,
      },
    ],
  },
  {
    name: 'identical images that are large',
    images: { 'Normal-1': ['a_0.jpg', 'b_0.jpg', 'c_0.jpg'] },
    records: {
      'Normal-1': withBytes(wholeRecordOf('Normal-1', ['a_0.jpg', 'b_0.jpg', 'c_0.jpg']), [
        ...[[2 ** 24, 7] as const, [2 ** 24, 8] as const, [2 ** 24, 7] as const],
      ]),
    },
    remarks: [
      { kind: 'identical-images', count: 1, examples: ['Normal-1/c_0.jpg and Normal-1/a_0.jpg'] },
    ],
  },
];

it.each(cases)('finds $name, and nothing else', (testCase) => {
  const { remarks } = auditOf(testCase);
  expect(remarks).toHaveLength(testCase.remarks.length);
  expect(remarks).toMatchObject(testCase.remarks);
});
