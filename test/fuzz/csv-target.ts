import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { toImageKey } from '../../src/labels/join.ts';
import { readLabelFile } from '../../src/labels/read.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { parsePlainCsv } from './csv-oracle.ts';
import { buildEdited, editedBytes } from './edit-bytes.ts';
import { type Fuzz, toFuzz } from './harness.ts';
import type { Sandbox } from './sandbox.ts';

const ROWS = [
  CHEST_HEADER,
  chestRow('patient1_000.jpg', 'ChestDx-1', 'Mass', 'Edema'),
  chestRow('patient1_001.jpg', 'ChestDx-1'),
  chestRow('patient2_000.jpg', 'ChestDx_PE-18.zip', 'No_finding'),
  chestRow('patient2_000.jpg', 'ChestDx_PE-18', 'No_finding'),
  chestRow('"a, ""b"".jpg"', 'ChestDx-2', 'Hernia'),
];

const CHEST: readonly Buffer[] = [
  lines(...ROWS),
  `\ufeff${ROWS.join('\r\n')}`,
  ROWS.join('\r'),
  // The columns in another order, one more of them, with a line end in a cell of it.
  lines(...ROWS.map((row, i) => `${i === 0 ? 'note' : '"a\nnote"'},${row}`)),
  lines(
    ...ROWS.map((row) =>
      row
        .split(',')
        .map((cell) => `"${cell}"`)
        .join(','),
    ).slice(0, 4),
  ),
].map((text) => Buffer.from(text));

const COVID: readonly Buffer[] = [
  'image,COVID-19\npatient1_000.jpg,True\npatient2_000.jpg,False\npatient2_000.jpg,False\n',
  '\ufeff"COVID-19","image"\r\n"TRUE","a.jpg"\r\n"false","b ""c"".jpg"\r\n',
  'image,COVID-19,note\rä.jpg,true,"x\r\ny"\rb.jpg,false,\r',
].map((text) => Buffer.from(text));

const TOKENS = [
  ...['"', '""', ',', ',,', '\n', '\r', '\r\n', '\n\n', ';', '\t', ' ', '\0', '\ufeff', '\u2028'],
  ...[
    '0',
    '1',
    '2',
    '',
    '01',
    'True',
    'false',
    '-0',
    '1e0',
    '1.0',
    '0.',
    'TRUE',
    'No Finding',
    '.jpg',
    'image',
    'zip',
    'No_finding',
    'ä',
  ],
  ...['__proto__', 'constructor', '../x', 'a/b', 'a\\b', '=cmd|x', '\u202e', '\x1b[2J'],
  ...[ROWS[1] ?? '', `${ROWS[1] ?? ''}\n`, CHEST_HEADER, `${CHEST_HEADER}\n`],
  ...[Buffer.from([0xff]), Buffer.from([0xc3]), Buffer.from('fffe', 'hex'), 'x'.repeat(300)],
];

const UPSTREAM = CHEST_HEADER.split(',').slice(2);
/** As src/labels/label-names.ts orders them. */
const LABELS = [...UPSTREAM.slice(0, -1).sort(), 'No_finding'];

/** Label files read from disk: what is taken is row for row what a plain reader finds. */
export function csvTargets(sandbox: Sandbox): readonly Fuzz[] {
  const path = join(dirname(sandbox.inside), 'labels', 'labels.csv');
  mkdirSync(dirname(path), { recursive: true });
  return [
    toFuzz({
      parser: 'chest_dx.csv',
      inputs: editedBytes(CHEST, TOKENS, 2),
      build: (edited) => buildEdited(CHEST, edited),
      codes: ['labels-invalid'],
      parse: async (bytes: Buffer) => {
        writeFileSync(path, bytes);
        const labels = await readLabelFile({ file: 'chest_dx.csv', path }, 'chest');
        assert(labels.form === 'chest');
        const found = [...labels.byArchive].flatMap(([archive, images]) =>
          [...images].map(([image, bits]) => [archive, image, bits] as const),
        );
        const rows = rowsOf(bytes, CHEST_HEADER.split(','));
        const expected = rows.map(({ cells }) => [
          (cells['zip'] ?? '').replace(/\.zip$/i, ''),
          toImageKey(cells['image'] ?? ''),
          LABELS.reduce((bits, name, bit) => bits + (toFlag(cells[name]) << bit), 0),
        ]);
        assertSameRows(found, expected);
        assert.equal(labels.rows, rows.length);
        assert.equal(labels.rows, found.length + labels.repeated.count);
        return true;
      },
    }),
    toFuzz({
      parser: 'viral_pneumonia_COVID-19.csv',
      inputs: editedBytes(COVID, TOKENS, 2),
      build: (edited) => buildEdited(COVID, edited),
      codes: ['labels-invalid'],
      parse: async (bytes: Buffer) => {
        writeFileSync(path, bytes);
        const file = 'viral_pneumonia_COVID-19.csv';
        const labels = await readLabelFile({ file, path }, 'covid');
        assert(labels.form === 'covid');
        const rows = rowsOf(bytes, ['image', 'COVID-19']);
        const expected = rows.map(({ cells }) => {
          return [toImageKey(cells['image'] ?? ''), toFlag(cells['COVID-19']) === 1];
        });
        assertSameRows([...labels.byImage], expected);
        assert.equal(labels.rows, rows.length);
        assert.equal(labels.rows, labels.byImage.size + labels.repeated.count);
        return true;
      },
    }),
  ];
}

/** The rows by column, as the plain reader has them; every column of the form once, every row whole. */
function rowsOf(bytes: Buffer, columns: readonly string[]) {
  const [header = [], ...all] = parsePlainCsv(bytes.toString('utf8')) ?? [];
  const rows = all.slice(0, 1 + all.findLastIndex((row) => row.some((cell) => cell !== '')));
  const names = header.map(toUpstream);
  for (const column of columns) {
    assert.equal(names.filter((name) => name === column).length, 1, `${column} is not there once`);
  }
  assert(rows.length > 0, 'no row');
  return rows.map((row) => {
    assert.equal(row.length, header.length, 'a ragged row');
    return { cells: Object.fromEntries(names.map((name, i) => [name, (row[i] ?? '').trim()])) };
  });
}

/** A header is taken in any spelling of its names. */
function toUpstream(name: string): string {
  const fold = (text: string) => text.toLowerCase().replace(/[\s_-]/g, '');
  const columns = ['image', 'COVID-19', ...CHEST_HEADER.split(',')];
  return columns.find((column) => fold(column) === fold(name)) ?? name;
}

/** `1`, `1.0`, `True`: 1. */
function toFlag(cell = ''): number {
  return /^(?:1(?:\.0*)?|true)$/i.test(cell) ? 1 : 0;
}

/** Without those that say again what an earlier one says. */
function assertSameRows(
  found: readonly (readonly unknown[])[],
  expected: readonly (readonly unknown[])[],
): void {
  const texts = (rows: readonly (readonly unknown[])[]) =>
    [...new Set(rows.map((row) => JSON.stringify(row)))].sort();
  assert.deepEqual(texts(found), texts(expected));
}
