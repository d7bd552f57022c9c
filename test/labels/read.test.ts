import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import { LABEL_COLUMNS } from '../../src/labels/label-names.ts';
import type { ChestLabels, CovidLabels, LabelForm } from '../../src/labels/join.ts';
import { readLabelFile } from '../../src/labels/read.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { nextSaying } from '../support/matchers.ts';

const tempDir = useTempDirs();
const A = chestRow('patient1_000.jpg', 'ChestDx-1', 'Mass', 'Pleural_thickening');
const B = chestRow('patient2_000.jpg', 'ChestDx_PE-18', 'No_finding');
const GOOD = lines(CHEST_HEADER, A, B);

async function read(
  content: string | Uint8Array,
  expected: LabelForm = 'chest',
  file = 'chest_dx.csv',
): Promise<ChestLabels | CovidLabels> {
  const path = join(await tempDir(), file);
  await writeFile(path, content);
  return readLabelFile({ file, path }, expected);
}

async function readChest(content: string | Uint8Array): Promise<ChestLabels> {
  const labels = await read(content);
  assert(labels.form === 'chest');
  return labels;
}

async function readCovid(content: string): Promise<CovidLabels> {
  const labels = await read(content, 'covid', 'covid.csv');
  assert(labels.form === 'covid');
  return labels;
}

function namesOf(bits: number | undefined): readonly string[] | undefined {
  return bits === undefined ? undefined : LABEL_COLUMNS.filter((_, at) => bits & (1 << at));
}

const reversed = (line: string) => line.split(',').reverse().join(',');
const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(GOOD, 'utf16le')]);

describe('reads labels', () => {
  it.each<{ name: string; content: string | Uint8Array }>([
    { name: 'the published form', content: GOOD },
    { name: '#136 a BOM', content: `\ufeff${GOOD}` },
    { name: '#137 CRLF', content: GOOD.replaceAll('\n', '\r\n') },
    { name: '#137 lone CR', content: GOOD.replaceAll('\n', '\r') },
    { name: '#137 mixed line ends', content: GOOD.replace('\n', '\r\n') },
    { name: '#136 #137 BOM and CRLF', content: `\ufeff${GOOD.replaceAll('\n', '\r\n')}` },
    { name: 'no line end at the end', content: GOOD.trimEnd() },
    {
      name: '#139 columns in another order',
      content: lines(...[CHEST_HEADER, A, B].map(reversed)),
    },
    { name: "the field's names", content: GOOD.replace('No_finding', 'No_Finding') },
    { name: '#141 quoted cells', content: GOOD.replace(/([^,\n]+)/g, '"$1"') },
    { name: 'archives named with .zip', content: GOOD.replace('ChestDx-1,', 'ChestDx-1.zip,') },
    { name: '#143 UTF-16 with its BOM', content: utf16 },
  ])('$name', async ({ content }) => {
    const labels = await readChest(content);
    expect(labels.rows).toBe(2);
    expect([...labels.byArchive.keys()]).toEqual(['ChestDx-1', 'ChestDx_PE-18']);
    const mass = labels.byArchive.get('ChestDx-1')?.get('patient1_000.jpg');
    expect(namesOf(mass)).toEqual(['Mass', 'Pleural_Thickening']);
    const none = labels.byArchive.get('ChestDx_PE-18')?.get('patient2_000.jpg');
    expect(namesOf(none)).toEqual(['No_Finding']);
    expect(labels.extraColumns).toEqual([]);
  });

  it.each(CHEST_HEADER.split(',').slice(2))(
    'a 1 under %s as that and nothing else',
    async (name) => {
      const labels = await readChest(lines(CHEST_HEADER, chestRow('p_0.jpg', 'Z', name)));
      const field = name.replace('_thickening', '_Thickening').replace('_finding', '_Finding');
      expect(namesOf(labels.byArchive.get('Z')?.get('p_0.jpg'))).toEqual([field]);
    },
  );

  it('#139 #141 a column more, also with a line end in a cell, and says that it is not used', async () => {
    const labels = await readChest(lines(`${CHEST_HEADER},age`, `${A},"4\n2"`, `${B},x`));
    expect(labels).toMatchObject({ rows: 2, extraColumns: ['age'] });
  });

  it('a row that stands twice with the same values once', async () => {
    const labels = await readChest(lines(CHEST_HEADER, A, B, A, A));
    expect(labels.rows).toBe(4);
    expect(labels.byArchive.get('ChestDx-1')?.size).toBe(1);
    expect(labels.repeated).toEqual({
      count: 2,
      examples: Array(2).fill('ChestDx-1/patient1_000.jpg'),
    });
  });

  it('a row longer than one read of the disk', async () => {
    const rows = Array.from({ length: 20_000 }, (_, n) => chestRow(`p${n}_000.jpg`, 'Z', 'Edema'));
    const labels = await readChest(lines(CHEST_HEADER, ...rows));
    expect(labels.byArchive.get('Z')?.size).toBe(20_000);
    expect(namesOf(labels.byArchive.get('Z')?.get('p19999_000.jpg'))).toEqual(['Edema']);
  });
});

describe('refuses labels', () => {
  const other = chestRow('patient1_000.jpg', 'ChestDx-1', 'Edema');
  const header = CHEST_HEADER;
  it.each<{
    name: string;
    content: string | Uint8Array;
    line?: number;
    says: string;
    hint?: string;
  }>([
    { name: '#140 an empty file', content: '', says: 'is empty' },
    { name: '#136 #140 a BOM alone', content: '\ufeff', says: 'is empty' },
    { name: '#140 a header alone', content: lines(header), line: 1, says: 'not one row' },
    {
      name: '#139 a missing column',
      content: lines(header.replace(',Mass', ''), A),
      line: 1,
      says: 'has no column "Mass"',
    },
    { name: '#139 no header', content: lines(A, B), line: 1, says: 'has no column "image", "zip"' },
    {
      name: '#138 a doubled header',
      content: lines(header.replace('Edema', 'Mass'), A),
      line: 1,
      says: 'names the column "Mass" twice',
    },
    {
      name: '#138 a column in both spellings',
      content: lines(`${header},No_Finding`, `${A},0`),
      line: 1,
      says: 'names the column "No_Finding" twice',
    },
    {
      name: '#144 semicolons',
      content: GOOD.replaceAll(',', ';'),
      line: 1,
      says: 'has no column',
      hint: 'separated by commas',
    },
    {
      name: '#140 a short row',
      content: lines(header, A, B.slice(0, -2)),
      line: 3,
      says: '16 cells',
    },
    { name: '#140 a long row', content: lines(header, `${A},0`, B), line: 2, says: '18 cells' },
    {
      name: '#140 a blank line',
      content: lines(header, A, '', B),
      line: 3,
      says: 'a row of 1 cell under',
    },
    {
      name: 'a cell that is not 0 or 1',
      content: lines(header, A, B.replace(/0,1$/, '2,1')),
      line: 3,
      says: 'has "2" under Cardiomegaly, expected 0 or 1',
    },
    {
      name: 'an empty cell',
      content: lines(header, A.replace(/,0$/, ',')),
      line: 2,
      says: 'has "" under No_Finding, expected 0 or 1',
    },
    {
      name: 'cells whose texts make up for each other',
      content: lines(header, B.replace(/,0,0,1$/, ',,"0\n0",1')),
      line: 2,
      says: 'expected 0 or 1',
    },
    {
      name: 'a bad cell after a cell with a line end',
      content: lines(`${header},note`, `${A},"a\nb\r\nc"`, `${B.replace(/1$/, 'x')},`),
      line: 5,
      says: 'has "x" under No_Finding',
    },
    {
      name: 'an image with a path',
      content: lines(header, chestRow('../p_0.jpg', 'Z')),
      line: 2,
      says: 'has "../p_0.jpg" under image, expected a plain name',
    },
    {
      name: '#143 NUL',
      content: lines(header, chestRow('p\0_0.jpg', 'Z')),
      line: 2,
      says: String.raw`has "p\x00_0.jpg" under image`,
    },
    {
      name: '#143 bytes that are not UTF-8',
      content: Buffer.from(lines(header, chestRow('p\u00e9_0.jpg', 'Z')), 'latin1'),
      line: 2,
      says: 'under image, expected a plain name',
    },
    {
      name: '#163 a control sequence, made harmless',
      content: lines(header, A.replace(/,0$/, ',\u001b[2J')),
      line: 2,
      says: String.raw`has "\x1b[2J" under No_Finding`,
    },
    {
      name: 'two rows that disagree',
      content: lines(header, A, B, other),
      line: 4,
      says: 'gives ChestDx-1/patient1_000.jpg again, with other values',
    },
    {
      name: '#141 an unclosed quote',
      content: lines(header, `"${A}`),
      line: 2,
      says: 'no well-formed',
    },
    {
      name: '#141 text after a quote',
      content: lines(header, `"a"${A}`),
      line: 2,
      says: 'no well-formed',
    },
    {
      name: '#142 an unclosed quote in a long file',
      content: `${lines(header, `"${A}`)}${`${B}\n`.repeat(5_000)}`,
      says: 'no well-formed',
    },
  ])('$name', async ({ content, line, says, hint = 'ccxri fetch --file chest_dx.csv' }) => {
    const error = await read(content).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CcxriError);
    if (!(error instanceof CcxriError)) return;
    expect(error.code).toBe('labels-invalid');
    expect(error.message).toContain('chest_dx.csv');
    expect(error.message).toContain(says);
    expect(error.next).toEqual(nextSaying(hint));
    expect(error.facts.file).toBe('chest_dx.csv');
    expect(error.facts.path).toMatch(/chest_dx\.csv$/);
    if (line === undefined) return;
    expect(error.facts.line).toBe(line);
    expect(error.message).toContain(`line ${line},`);
  });

  it('#142 to fill the memory with one cell', async () => {
    const cell = 'x'.repeat(70_000);
    await expect(read(lines(`${CHEST_HEADER},note`, `${A},"${cell}"`))).rejects.toMatchObject({
      code: 'labels-invalid',
      facts: { found: expect.stringContaining('65536') as string },
    });
  });

  it('to go on when stopped', async () => {
    const path = join(await tempDir(), 'chest_dx.csv');
    await writeFile(path, GOOD);
    const reading = readLabelFile({ file: 'x', path, signal: AbortSignal.abort() }, 'chest');
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
  });
});

const COVID_HEADER = 'image,COVID-19';
const TAGS = lines(COVID_HEADER, 'a_000.jpg,True', 'b_000.jpg,False');

describe('reads COVID-19 tags', () => {
  it.each([
    { name: 'the published form', content: TAGS },
    { name: '#136 #137 BOM and CRLF', content: `\ufeff${TAGS.replaceAll('\n', '\r\n')}` },
    { name: 'any case', content: TAGS.replace('True', 'TRUE').replace('False', 'false') },
    {
      name: '#139 the columns the other way round',
      content: 'COVID-19,image\nTrue,a_000.jpg\nFalse,b_000.jpg',
    },
  ])('$name', async ({ content }) => {
    const labels = await readCovid(content);
    expect([...labels.byImage]).toEqual([
      ['a_000.jpg', true],
      ['b_000.jpg', false],
    ]);
    expect(labels).toMatchObject({ rows: 2, repeated: { count: 0 }, extraColumns: [] });
  });

  it('a row that stands twice with the same value once', async () => {
    const labels = await readCovid(`${TAGS}a_000.jpg,true\n`);
    expect(labels.byImage.size).toBe(2);
    expect(labels.repeated).toEqual({ count: 1, examples: ['a_000.jpg'] });
  });
});

describe('refuses COVID-19 tags', () => {
  it.each([
    {
      name: '#139 a missing column',
      content: 'image\na_000.jpg\n',
      line: 1,
      says: 'has no column "COVID-19"',
    },
    {
      name: '#138 a doubled header',
      content: 'image,image\na,b\n',
      line: 1,
      says: 'column "image" twice',
    },
    {
      name: '#140 a ragged row',
      content: `${TAGS}c_000.jpg\n`,
      line: 4,
      says: 'a row of 1 cell under a header of 2',
    },
    {
      name: 'a bad cell',
      content: `${TAGS}c_000.jpg,2\n`,
      line: 4,
      says: 'has "2" under COVID-19, expected True or False',
    },
    {
      name: 'an empty name',
      content: `${TAGS},True\n`,
      line: 4,
      says: 'has "" under image, expected a plain name',
    },
    {
      name: 'two rows that disagree',
      content: `${TAGS}b_000.jpg,True\n`,
      line: 4,
      says: 'gives b_000.jpg again',
    },
  ])('$name', async ({ content, line, says }) => {
    await expect(readCovid(content)).rejects.toMatchObject({
      code: 'labels-invalid',
      message: expect.stringContaining(says) as string,
      next: nextSaying('ccxri fetch --file covid.csv'),
      facts: { file: 'covid.csv', line },
    });
  });
});

describe('the header says which form a file has', () => {
  it.each<{ content: string; expected: LabelForm; form: LabelForm }>([
    { content: GOOD, expected: 'covid', form: 'chest' },
    { content: TAGS, expected: 'chest', form: 'covid' },
    { content: lines('zip,image,COVID-19', 'A,a_0.jpg,True'), expected: 'covid', form: 'covid' },
    // Both forms at once: what is expected.
    { content: lines(`${CHEST_HEADER},COVID-19`, `${A},True`), expected: 'chest', form: 'chest' },
    { content: lines(`${CHEST_HEADER},COVID-19`, `${A},True`), expected: 'covid', form: 'covid' },
  ])('$form, where $expected is expected', async ({ content, expected, form }) => {
    expect((await read(content, expected)).form).toBe(form);
  });
});
