import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCovidLabels } from '../../src/labels/read-chest.ts';
import { lines } from '../support/csv.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { nextSaying } from '../support/matchers.ts';

const tempDir = useTempDirs();
const HEADER = 'image,COVID-19';
const GOOD = lines(HEADER, 'a_000.jpg,True', 'b_000.jpg,False');

async function read(content: string) {
  const path = join(await tempDir(), 'covid.csv');
  await writeFile(path, content);
  return readCovidLabels({ file: 'covid.csv', path });
}

describe('reads', () => {
  it.each([
    { name: 'the published form', content: GOOD },
    { name: '#136 #137 BOM and CRLF', content: `\ufeff${GOOD.replaceAll('\n', '\r\n')}` },
    { name: 'any case', content: GOOD.replace('True', 'TRUE').replace('False', 'false') },
    {
      name: '#139 the columns the other way round',
      content: 'COVID-19,image\nTrue,a_000.jpg\nFalse,b_000.jpg',
    },
  ])('$name', async ({ content }) => {
    const labels = await read(content);
    expect([...labels.byImage]).toEqual([
      ['a_000.jpg', true],
      ['b_000.jpg', false],
    ]);
    expect(labels).toMatchObject({ rows: 2, repeated: { count: 0 }, extraColumns: [] });
  });

  it('a row that stands twice with the same value once', async () => {
    const labels = await read(`${GOOD}a_000.jpg,true\n`);
    expect(labels.byImage.size).toBe(2);
    expect(labels.repeated).toEqual({ count: 1, examples: ['a_000.jpg'] });
  });
});

describe('refuses', () => {
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
      content: `${GOOD}c_000.jpg\n`,
      line: 4,
      says: 'a row of 1 cell under a header of 2',
    },
    {
      name: 'a bad cell',
      content: `${GOOD}c_000.jpg,1\n`,
      line: 4,
      says: 'has "1" under COVID-19, expected True or False',
    },
    {
      name: 'an empty name',
      content: `${GOOD},True\n`,
      line: 4,
      says: 'has "" under image, expected a plain name',
    },
    {
      name: 'two rows that disagree',
      content: `${GOOD}b_000.jpg,True\n`,
      line: 4,
      says: 'gives b_000.jpg again',
    },
  ])('$name', async ({ content, line, says }) => {
    await expect(read(content)).rejects.toMatchObject({
      code: 'labels-invalid',
      message: expect.stringContaining(says) as string,
      next: nextSaying('ccxri fetch --file covid.csv'),
      facts: { file: 'covid.csv', line },
    });
  });
});
