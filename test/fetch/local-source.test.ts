import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { destIn, manifestOf, run, sampleArchive } from '../support/fetching.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const a = sampleArchive('ChestDx-1.zip');
const manifest = manifestOf(a);

it.each([
  { name: 'another length', content: Buffer.alloc(8175), is: 'has 8,175 bytes' },
  { name: 'a page', content: '<!doctype html><title>log in</title>', is: 'is a web page' },
])('of a local file nothing is said of addresses: $name', async ({ content, is }) => {
  const root = await tempDir();
  await writeTree(root, { [`bad/${a.name}`]: content });
  const bad = join(root, 'bad');
  const ran = await run({ dest: destIn(root), manifest, sources: [bad] });
  const error = ran.result?.outcomes[0]?.error;
  expect(error?.message).toBe(`${a.name}: ${join(bad, a.name)} ${is}`);
  expect(error?.next).toEqual([
    {
      kind: 'advice',
      text: 'look at what that file is',
      or: { kind: 'option', option: 'source' },
    },
  ]);
});

it('of local sources none of which is there: nothing is left behind', async () => {
  const root = await tempDir();
  const dest = destIn(root);
  const setup = { dest, manifest, sources: [join(root, 'none'), join(root, 'nor-this.html')] };
  const refused = await run(setup);
  expect(refused.exit).toBe(2);
  expect(refused.error).toMatchObject({ code: 'source-unusable' });
  await expect(listTree(dest)).rejects.toThrow('ENOENT');
  await mkdir(dest);
  expect((await run(setup)).exit).toBe(2);
  expect(await listTree(dest)).toEqual([]);
  await rm(dest, { recursive: true });
  // One that can be used among them: the run goes on.
  await writeTree(join(root, 'mirror'), { [a.name]: a.bytes });
  const sources = [...setup.sources, join(root, 'mirror')];
  expect((await run({ ...setup, sources })).outcomes).toEqual(['downloaded']);
});
