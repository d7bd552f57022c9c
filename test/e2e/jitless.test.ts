import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { manifestOf, sampleArchive } from '../support/fetching.ts';
import { useProgram } from '../support/program.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const { ccxri } = useProgram();
const env = { NODE_OPTIONS: '--jitless' };

/** @returns the arguments of a fetch, without its source, and a directory that has the files */
async function setUp() {
  const root = await tempDir();
  const sample = sampleArchive('ChestDx-1.zip');
  const source = join(root, 'mirror');
  await mkdir(source);
  await writeFile(join(source, sample.name), sample.bytes);
  const manifest = join(root, 'manifest.json');
  await writeFile(manifest, JSON.stringify(manifestOf(sample)));
  const dest = ['--dest', join(root, 'dest'), '--manifest', manifest];
  return { args: ['fetch', '--subset', 'all', ...dest], source };
}

it('a Node without WebAssembly fetches from a directory', async () => {
  const { args, source } = await setUp();
  expect(await ccxri([...args, '--source', source], env)).toMatchObject({ code: 0 });
});

it('a Node without WebAssembly says that it has no HTTP, and what to do', async () => {
  const { args } = await setUp();
  const { code, stderr } = await ccxri([...args, '--source', 'http://127.0.0.1:9/{name}'], env);
  expect(code).toBe(2);
  expect(stderr).toContain('it has no WebAssembly');
  expect(stderr).toContain('--jitless');
  expect(stderr).not.toContain('bug');
});
