import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeDataset } from '../support/dataset.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

async function dataset(extracted: readonly string[] = ['ChestDx-1', 'Normal-4']) {
  const { root, release, layout } = await makeDataset(await tempDir(), {
    release: { labelsOnly: [] },
    extracted,
  });
  return { root, layout, argv: ['audit', root, '--manifest', release.manifestPath] };
}

it('says what is here, and that it adds up but for a stray file', async () => {
  const { argv } = await dataset();
  const { code, stdout } = await runCli([...argv, '--strict']);
  expect(code).toBe(0);
  expect(stdout).toContain('audit  31 images in 6 archives; labels known for ');
  expect(stdout).toContain('20 in archives that are not extracted, not opened (--decode does)');
  expect(stdout).toContain('- 1 file under images/ is no image');
  expect((await runCli([...argv, '--decode'])).stdout).toContain('; 31 decoded\n');
});

it('says that everything adds up where it does', async () => {
  const { argv } = await dataset();
  const { code, stdout } = await runCli([...argv, '--subset', 'viral']);
  expect({ code, adds: stdout.includes('everything adds up') }).toEqual({ code: 0, adds: true });
});

it('ends with code 8 under --strict, and names the next step', async () => {
  const { argv, layout } = await dataset();
  await writeFile(layout.index, 'path,image\n');
  const lax = await runCli(argv);
  expect(lax.code).toBe(0);
  expect(lax.stdout).toContain('index.csv is not what join would write, in 11 rows');
  expect(lax.stdout).toContain('ccxri join');
  const strict = await runCli([...argv, '--strict', '--json']);
  const { counts, errors } = documentOf(strict.stdout);
  expect(strict.code).toBe(8);
  expect(counts).toMatchObject({ images: 31, imagesOpened: 0, remarks: 2, strictRemarks: 1 });
  expect(errors).toMatchObject([{ code: 'remarks' }]);
});

it('needs images, and labels that can be read', async () => {
  const { argv, root } = await dataset([]);
  await writeFile(join(root, 'labels', 'chest_dx.csv'), 'no,label,file\n');
  expect((await runCli(argv)).code).toBe(3);
  await rm(join(root, 'archives'), { recursive: true });
  await rm(join(root, 'labels', 'chest_dx.csv'));
  const { code, stderr } = await runCli(argv);
  expect(stderr).toContain('there are no images to index');
  expect(code).toBe(5);
});
