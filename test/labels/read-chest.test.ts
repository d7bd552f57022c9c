import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import { FINDING_COLUMNS } from '../../src/labels/findings.ts';
import { readChestLabels } from '../../src/labels/read-chest.ts';
import { CHEST_HEADER, chestRow, lines, useTempDirs } from '../support/csv.ts';

const tempDir = useTempDirs();
const A = chestRow('patient1_000.jpg', 'ChestDx-1', 'Mass', 'Pleural_thickening');
const B = chestRow('patient2_000.jpg', 'ChestDx_PE-18', 'No_finding');
const GOOD = lines(CHEST_HEADER, A, B);

async function read(content: string | Uint8Array) {
  const path = join(await tempDir(), 'chest_dx.csv');
  await writeFile(path, content);
  return readChestLabels({ file: 'chest_dx.csv', path });
}

function namesOf(bits: number | undefined): readonly string[] | undefined {
  return bits === undefined ? undefined : FINDING_COLUMNS.filter((_, at) => bits & (1 << at));
}

const reversed = (line: string) => line.split(',').reverse().join(',');
const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(GOOD, 'utf16le')]);

describe('reads', () => {
  it.each<{ name: string; content: string | Uint8Array }>([
    { name: 'the published form', content: GOOD },
    { name: 'a BOM', content: `\ufeff${GOOD}` },
    { name: 'CRLF', content: GOOD.replaceAll('\n', '\r\n') },
    { name: 'lone CR', content: GOOD.replaceAll('\n', '\r') },
    { name: 'mixed line ends', content: GOOD.replace('\n', '\r\n') },
    { name: 'BOM and CRLF', content: `\ufeff${GOOD.replaceAll('\n', '\r\n')}` },
    { name: 'no line end at the end', content: GOOD.trimEnd() },
    { name: 'columns in another order', content: lines(...[CHEST_HEADER, A, B].map(reversed)) },
    { name: "the field's names", content: GOOD.replace('No_finding', 'No_Finding') },
    { name: 'quoted cells', content: GOOD.replace(/([^,\n]+)/g, '"$1"') },
    { name: 'archives named with .zip', content: GOOD.replace('ChestDx-1,', 'ChestDx-1.zip,') },
    { name: 'UTF-16 with its BOM', content: utf16 },
  ])('$name', async ({ content }) => {
    const labels = await read(content);
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
      const labels = await read(lines(CHEST_HEADER, chestRow('p_0.jpg', 'Z', name)));
      const field = name.replace('_thickening', '_Thickening').replace('_finding', '_Finding');
      expect(namesOf(labels.byArchive.get('Z')?.get('p_0.jpg'))).toEqual([field]);
    },
  );

  it('a column more, and says that it is not used', async () => {
    const labels = await read(lines(`${CHEST_HEADER},age`, `${A},"4\n2"`, `${B},x`));
    expect(labels).toMatchObject({ rows: 2, extraColumns: ['age'] });
  });

  it('a row that stands twice with the same values once', async () => {
    const labels = await read(lines(CHEST_HEADER, A, B, A, A));
    expect(labels.rows).toBe(4);
    expect(labels.byArchive.get('ChestDx-1')?.size).toBe(1);
    expect(labels.repeated).toEqual({
      count: 2,
      examples: Array(2).fill('ChestDx-1/patient1_000.jpg'),
    });
  });

  it('a row longer than one read of the disk', async () => {
    const rows = Array.from({ length: 20_000 }, (_, n) => chestRow(`p${n}_000.jpg`, 'Z', 'Edema'));
    const labels = await read(lines(CHEST_HEADER, ...rows));
    expect(labels.byArchive.get('Z')?.size).toBe(20_000);
    expect(namesOf(labels.byArchive.get('Z')?.get('p19999_000.jpg'))).toEqual(['Edema']);
  });
});

describe('refuses', () => {
  const other = chestRow('patient1_000.jpg', 'ChestDx-1', 'Edema');
  const header = CHEST_HEADER;
  it.each<{
    name: string;
    content: string | Uint8Array;
    line?: number;
    says: string;
    hint?: string;
  }>([
    { name: 'an empty file', content: '', says: 'is empty' },
    { name: 'a BOM alone', content: '\ufeff', says: 'is empty' },
    { name: 'a header alone', content: lines(header), line: 1, says: 'not one row' },
    {
      name: 'a missing column',
      content: lines(header.replace(',Mass', ''), A),
      line: 1,
      says: 'has no column "Mass"',
    },
    { name: 'no header', content: lines(A, B), line: 1, says: 'has no column "image", "zip"' },
    {
      name: 'a doubled header',
      content: lines(header.replace('Edema', 'Mass'), A),
      line: 1,
      says: 'names the column "Mass" twice',
    },
    {
      name: 'a column in both spellings',
      content: lines(`${header},No_Finding`, `${A},0`),
      line: 1,
      says: 'names the column "No_Finding" twice',
    },
    {
      name: 'semicolons',
      content: GOOD.replaceAll(',', ';'),
      line: 1,
      says: 'has no column',
      hint: 'separated by commas',
    },
    { name: 'a short row', content: lines(header, A, B.slice(0, -2)), line: 3, says: '16 cells' },
    { name: 'a long row', content: lines(header, `${A},0`, B), line: 2, says: '18 cells' },
    {
      name: 'a blank line',
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
      name: 'NUL',
      content: lines(header, chestRow('p\0_0.jpg', 'Z')),
      line: 2,
      says: String.raw`has "p\x00_0.jpg" under image`,
    },
    {
      name: 'bytes that are not UTF-8',
      content: Buffer.from(lines(header, chestRow('p\u00e9_0.jpg', 'Z')), 'latin1'),
      line: 2,
      says: 'under image, expected a plain name',
    },
    {
      name: 'a control sequence, made harmless',
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
    { name: 'an unclosed quote', content: lines(header, `"${A}`), line: 2, says: 'no well-formed' },
    {
      name: 'text after a quote',
      content: lines(header, `"a"${A}`),
      line: 2,
      says: 'no well-formed',
    },
    {
      name: 'an unclosed quote in a long file',
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
    expect(error.hint).toContain(hint);
    expect(error.facts.file).toBe('chest_dx.csv');
    expect(error.facts.path).toMatch(/chest_dx\.csv$/);
    if (line === undefined) return;
    expect(error.facts.line).toBe(line);
    expect(error.message).toContain(`line ${line},`);
  });

  it('to fill the memory with one cell', async () => {
    const cell = 'x'.repeat(70_000);
    await expect(read(lines(`${CHEST_HEADER},note`, `${A},"${cell}"`))).rejects.toMatchObject({
      code: 'labels-invalid',
      facts: { found: expect.stringContaining('65536') as string },
    });
  });

  it('to go on when stopped', async () => {
    const path = join(await tempDir(), 'chest_dx.csv');
    await writeFile(path, GOOD);
    const reading = readChestLabels({ file: 'x', path, signal: AbortSignal.abort() });
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
  });
});
