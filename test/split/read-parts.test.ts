import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUNDLED_MANIFEST_PATH, loadManifest } from '../../src/manifest/load.ts';
import { readParts } from '../../src/split/read-parts.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

/** @returns `image:part+part …`, sorted */
async function read(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await tempDir();
  await writeTree(directory, files);
  const manifest = await loadManifest(BUNDLED_MANIFEST_PATH);
  const paths = Object.keys(files).map((name) => join(directory, name));
  const parts = await readParts(paths, manifest);
  return [...parts].map(([image, names]) => `${image}:${[...names].join('+')}`).join(' ');
}

const BOTH = 'p1_000.jpg:train p2_000.jpg:test';

describe('a table of a split', () => {
  it.each<[name: string, content: string]>([
    ['of image and split', 'image,split\np1_000.jpg,train\np2_000.jpg,test\n'],
    [
      'of another tool',
      '\ufeff;Fold;img_path\r\n0;train;/d/p1_000.jpg\r\n1;test;/d/p2_000.jpg\r\n',
    ],
    ['with quoted commas', 'finding,file,set\n"a, b",p1_000.png,train\n"c",p2_000.png,test\n'],
    ['of names without ending', 'id,patient,part\np1_000,7,train\np2_000,8,test\n'],
    ['with an image in no part', 'image,split\np1_000.jpg,train\np3_000.jpg,\np2_000.jpg,test\n'],
    ['with a column subset', 'image,subset\np1_000.jpg,train\np2_000.jpg,test\n'],
  ])('%s', async (_, content) => {
    expect(await read({ 'mine.csv': content })).toBe(BOTH);
  });

  it('that ccxri has written', async () => {
    const content =
      'path,image,archive,patient_id,split\n' +
      'images/ChestDx-1/p1_000.jpg,p1_000.jpg,ChestDx-1,p1,train\n' +
      'images/ChestDx-2/p2_000.jpg,p2_000.jpg,ChestDx-2,p2,test\n';
    const parts = await read({ 'split.csv': content });
    expect(parts).toBe('ChestDx-1/p1_000.jpg:train ChestDx-2/p2_000.jpg:test');
  });
});

describe('a file for each part', () => {
  it.each<[name: string, train: string, test: string]>([
    ['with names', 'p1_000.jpg\n', 'p2_000.jpg'],
    ['with names and classes', 'p1_000.jpg 0 1\n', 'p2_000.jpg 1 0\n'],
    ['with columns of anything', '17 p1_000.jpg normal\n', '18 p2_000.jpg pneumonia\n'],
    [
      'with rows of index.csv, whose subset is none of the split',
      'image,subset\np1_000.jpg,chestdx\n',
      'image,subset\np2_000.jpg,ChestDx_PE\n',
    ],
  ])('%s', async (_, train, test) => {
    expect(await read({ 'train.txt': train, 'test.txt': test })).toBe(BOTH);
  });

  it('has its path for a name where two are called alike', async () => {
    const parts = await read({ 'a/list.txt': 'p1_000.jpg\n', 'b/list.txt': 'p1_000.jpg\n' });
    expect(parts).toMatch(/^p1_000\.jpg:\S+a.list\.txt\+\S+b.list\.txt$/);
  });
});

describe('what is no split', () => {
  it.each<[content: string, says: string]>([
    ['', 'has no column with names of images'],
    ['a,b\n1,2\n', 'has no column with names of images'],
    ['image,split\np1_000.jpg,train\n', 'has one part alone, "train"'],
    ['p1_000.jpg\np2_000.jpg\n', 'has one part alone, "list"'],
    ['image,split\np1_000.jpg,\n', 'has no image in any part'],
    ['image,split\np1_000.jpg,train\n,test\n', 'line 3, names no image'],
    [
      `image,set\n${Array.from({ length: 1001 }, (_, at) => `p_${at}.jpg,${at}\n`).join('')}`,
      'has more than 1,000 parts',
    ],
  ])('%j', async (content, says) => {
    const error: unknown = await read({ 'list.csv': content }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'usage' });
    expect(String(error)).toContain(says);
  });
});
