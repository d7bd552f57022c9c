import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { archiveResolver } from '../../src/labels/cells.ts';
import { LABEL_COLUMNS } from '../../src/labels/label-names.ts';
import { readLabelFile } from '../../src/labels/read.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const A = chestRow('patient1_000.jpg', 'ChestDx-1', 'Mass', 'Edema');
const B = chestRow('patient2_000.jpg', 'ChestDx_PE-18', 'No_finding');
const GOOD = lines(CHEST_HEADER, A, B);
const TAGS = lines('image,COVID-19', 'a_000.jpg,True', 'b_000.jpg,False');
const STEMS = ['ChestDx-1', 'ChestDx-2', 'ChestDx_PE-18'];

async function read(content: string, form: 'chest' | 'covid' = 'chest') {
  const path = join(await tempDir(), 'labels.csv');
  await writeFile(path, content);
  return readLabelFile({ file: 'labels.csv', path, archives: STEMS }, form);
}

/** The bits by archive and image, as plain data. */
async function labelsOf(content: string) {
  const labels = await read(content);
  assert(labels.form === 'chest');
  const entries = [...labels.byArchive].map(([stem, images]) => [stem, Object.fromEntries(images)]);
  return Object.fromEntries(entries) as Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const flagsOf = (to: (flag: string) => string) =>
  GOOD.replace(/(?<=,)[01](?=[,\n])/g, (flag) => to(flag));
const bit = (name: string) => 1 << LABEL_COLUMNS.findIndex((column) => column === name);

describe('#206 labels as users pass them', () => {
  it.each([
    { name: 'as published', content: GOOD },
    { name: '0.0 and 1.0', content: flagsOf((flag) => `${flag}.0`) },
    { name: 'True and False', content: flagsOf((flag) => (flag === '1' ? 'True' : 'False')) },
    { name: 'TRUE and false', content: flagsOf((flag) => (flag === '1' ? 'TRUE' : 'false')) },
    { name: 'a blank last line', content: `${GOOD}\n` },
    { name: 'several blank last lines', content: `${GOOD}\r\n  \n\n` },
    { name: 'last lines of empty cells', content: `${GOOD}${','.repeat(16)}\n${','.repeat(16)}` },
    { name: 'No Finding', content: GOOD.replace('No_finding', 'No Finding') },
    {
      name: 'the header in capitals',
      content: GOOD.replace(CHEST_HEADER, CHEST_HEADER.toUpperCase()),
    },
    { name: 'blanks around cells', content: GOOD.replaceAll(',', ' , ') },
    { name: 'blanks around quotes', content: GOOD.replace(/([^,\n]+)/g, ' "$1" ') },
    { name: 'blanks inside quotes', content: GOOD.replace(/([^,\n]+)/g, '" $1 "') },
    { name: 'images without .jpg', content: GOOD.replaceAll('.jpg', '') },
    { name: 'images as .JPG', content: GOOD.replaceAll('.jpg', '.JPG') },
    { name: 'images as .jpeg', content: GOOD.replaceAll('.jpg', '.jpeg') },
    { name: 'zip with .zip', content: GOOD.replaceAll(/(ChestDx\w*-\d+)/g, '$1.zip') },
    { name: 'zip with _ for -', content: GOOD.replaceAll(/(ChestDx\w*)-(\d+)/g, '$1_$2') },
    { name: 'zip with - for _', content: GOOD.replace('ChestDx_PE', 'ChestDx-PE') },
    { name: 'zip in small letters', content: GOOD.replaceAll('ChestDx', 'chestdx') },
    { name: 'all line ends at once', content: `\ufeff${CHEST_HEADER}\r\n${A}\r${B}\n` },
  ])('$name', async ({ content }) => {
    expect(await labelsOf(content)).toEqual({
      'ChestDx-1': { 'patient1_000.jpg': bit('Mass') | bit('Edema') },
      'ChestDx_PE-18': { 'patient2_000.jpg': bit('No_Finding') },
    });
  });

  it('in two spellings of one archive and image are one row', async () => {
    const again = A.replace('ChestDx-1', 'ChestDx_1.zip').replace('.jpg', '');
    expect(await read(lines(CHEST_HEADER, A, again))).toMatchObject({
      rows: 2,
      repeated: { count: 1, examples: ['ChestDx-1/patient1_000.jpg'] },
    });
  });

  it.each([
    {
      name: 'two spellings of one image that disagree',
      content: lines(CHEST_HEADER, A, chestRow('patient1_000', 'ChestDx_1', 'Mass')),
      says: 'line 3, gives ChestDx-1/patient1_000.jpg again, with other values',
    },
    {
      name: 'a column in two spellings',
      content: lines(`${CHEST_HEADER},NO FINDING`, `${A},0`),
      says: 'names the column "No_Finding" twice',
    },
    {
      name: 'a blank line between rows',
      content: lines(CHEST_HEADER, A, '', B, ''),
      says: 'line 3, has a row of 1 cell under a header of 17',
    },
    {
      name: 'a row of empty cells between rows',
      content: lines(CHEST_HEADER, A, ','.repeat(16), B),
      says: 'line 3, has "" under image',
    },
    { name: 'blank lines alone', content: lines(CHEST_HEADER, '', ''), says: 'not one row' },
    { name: '0.5', content: GOOD.replace(',1,', ',0.5,'), says: 'has "0.5" under Edema' },
    { name: 'yes', content: GOOD.replace(',1,', ',yes,'), says: 'has "yes" under Edema' },
  ])('$name: refused as before', async ({ content, says }) => {
    await expect(read(content)).rejects.toMatchObject({
      code: 'labels-invalid',
      message: expect.stringContaining(says) as string,
    });
  });
});

describe('#206 COVID-19 tags as users pass them', () => {
  it.each([
    { name: 'as published', content: TAGS },
    { name: '0 and 1', content: TAGS.replace('True', '1').replace('False', '0') },
    { name: '0.0 and 1.0', content: TAGS.replace('True', '1.0').replace('False', '0.0') },
    { name: 'names without .jpg', content: TAGS.replaceAll('.jpg', '') },
    { name: 'another spelling of the column', content: TAGS.replace('COVID-19', 'covid_19') },
    { name: 'a blank last line', content: `${TAGS}\n` },
    { name: 'a last line of empty cells', content: `${TAGS},\n` },
  ])('$name', async ({ content }) => {
    const labels = await read(content, 'covid');
    assert(labels.form === 'covid');
    expect(Object.fromEntries(labels.byImage)).toEqual({ 'a_000.jpg': true, 'b_000.jpg': false });
  });
});

describe('archiveResolver', () => {
  it.each([
    ['ChestDx-1', 'ChestDx-1'],
    ['chestdx_1.ZIP', 'ChestDx-1'],
    ['ChestDx-40', 'ChestDx-40'],
    ['Elsewhere.zip', 'Elsewhere'],
    ['__proto__', '__proto__'],
  ])('%s is %s', (written, stem) => {
    expect(archiveResolver(STEMS)(written)).toBe(stem);
  });

  it('takes no guess where two archives differ by the separator alone', () => {
    const resolve = archiveResolver(['A-1', 'A_1']);
    expect(['A-1', 'A_1', 'a-1'].map(resolve)).toEqual(['A-1', 'A_1', 'a-1']);
  });
});
