import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { joinDataset } from '../../src/join.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const manifest = await loadManifest();

interface Dataset {
  readonly images: readonly string[];
  /** `archive/image` a row. */
  readonly chest?: readonly string[];
  readonly covid?: readonly string[];
}

async function make({ images, chest, covid }: Dataset): Promise<string> {
  const dest = await tempDir();
  const rows = (chest ?? []).map((place) => {
    const [zip = '', image = ''] = place.split('/');
    return chestRow(image, zip, 'Mass');
  });
  await writeTree(dest, {
    ...Object.fromEntries(images.map((path) => [`images/${path}`, ''])),
    ...(chest && { 'labels/chest_dx.csv': lines(CHEST_HEADER, ...rows) }),
    ...(covid && {
      'labels/viral_pneumonia_COVID-19.csv': lines(
        'image,COVID-19',
        ...covid.map((image) => `${image},True`),
      ),
    }),
  });
  return dest;
}

const MISMATCHES: readonly (Dataset & {
  readonly name: string;
  readonly rows: readonly string[];
})[] = [
  {
    name: 'rows of the archives here with other image names',
    images: ['ChestDx-1/a_0.jpg', 'ChestDx-1/b_0.jpg'],
    chest: ['ChestDx-1/x1.png', 'ChestDx-1/x2.png', 'ChestDx-2/a_0.jpg'],
    rows: ['ChestDx-1/x1.jpg', 'ChestDx-1/x2.jpg'],
  },
  {
    name: 'rows of archives that nobody knows',
    images: ['ChestDx-1/a_0.jpg', 'Normal-1/n_0.jpg'],
    chest: ['Dx1/a_0.jpg', 'Dx1/b_0.jpg', 'Dx2/c_0.jpg', 'Dx2/d_0.jpg'],
    rows: ['Dx1/a_0.jpg', 'Dx1/b_0.jpg', 'Dx2/c_0.jpg'],
  },
  {
    name: 'COVID-19 rows with other names',
    images: ['Viral-1/v_0.jpg'],
    covid: ['IMG-1', 'IMG-2'],
    rows: ['IMG-1.jpg', 'IMG-2.jpg'],
  },
  {
    name: 'one label file of two',
    images: ['ChestDx-1/a_0.jpg', 'Viral-1/v_0.jpg'],
    chest: ['ChestDx-1/a_0.jpg'],
    covid: ['x_0.jpg'],
    rows: ['x_0.jpg'],
  },
];

const NORMAL: readonly (Dataset & { readonly name: string })[] = [
  { name: 'no label file', images: ['ChestDx-1/a_0.jpg'] },
  { name: 'a subset without labels', images: ['Normal-1/n_0.jpg'], covid: ['v_0.jpg'] },
  { name: 'COVID-19 rows and only ChestDx', images: ['ChestDx-1/a_0.jpg'], covid: ['v_0.jpg'] },
  {
    name: 'rows of archives that are not here',
    images: ['ChestDx-1/a_0.jpg'],
    chest: ['ChestDx-2/b_0.jpg', 'Elsewhere/c_0.jpg'],
  },
  {
    name: 'one image of many with a row',
    images: ['ChestDx-1/a_0.jpg', 'ChestDx-1/b_0.jpg', 'ChestDx-2/c_0.jpg'],
    chest: ['ChestDx-1/b_0.jpg', 'ChestDx-2/x_0.jpg'],
  },
  { name: 'Viral-1 alone', images: ['Viral-1/v_0.jpg'], covid: ['v_0.jpg', 'w_0.jpg'] },
  {
    name: 'an archive without an image',
    images: ['ChestDx-1/notes.txt'],
    chest: ['ChestDx-1/a_0.jpg'],
  },
];

describe('#207 a label file of which no row matches an image', () => {
  it.each(MISMATCHES)('$name', async ({ rows, ...dataset }) => {
    const { remarks } = await joinDataset({ manifest, dest: await make(dataset) });
    const [first] = remarks;
    expect(first).toMatchObject({ kind: 'no-match', rowExamples: rows, strict: true });
    expect(dataset.images).toEqual(expect.arrayContaining([...(first?.examples ?? ['?'])]));
  });

  it('is code 8 without --strict, with both sides and what to do, and the index is written', async () => {
    const dest = await make({ images: ['ChestDx-1/a_0.jpg'], chest: ['ChestDx-1/\u202e1.png'] });
    const { code, stderr } = await runCli(['join', '--dest', dest]);
    expect(code).toBe(8);
    expect(stderr).toContain('ChestDx-1/a_0.jpg');
    expect(stderr).toContain(String.raw`ChestDx-1/\u202e1.jpg`);
    expect(stderr).toContain('ccxri verify --file chest_dx.csv');
    const output = join(await tempDir(), 'part.csv');
    const argv = ['join', '--json', '--dest', dest, '--file', 'ChestDx-1', '--output', output];
    const document = documentOf((await runCli(argv)).stdout);
    expect(document).toMatchObject({ exitCode: 8, counts: { rows: 1 } });
    expect(document.errors).toMatchObject([{ code: 'remarks', file: 'chest_dx.csv' }]);
    const strict = await runCli(['join', '--json', '--strict', '--dest', dest]);
    expect(documentOf(strict.stdout).errors).toHaveLength(1);
  });

  it.each(NORMAL)('is not: $name', async (dataset) => {
    const dest = await make(dataset);
    const { remarks } = await joinDataset({ manifest, dest });
    expect(remarks.map(({ kind }) => kind)).not.toContain('no-match');
    expect((await runCli(['join', '--dest', dest])).code).toBe(0);
  });
});
