import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useTempDirs, writeTree } from '../support/csv.ts';
import { destIn, manifestOf, run, sampleArchive } from '../support/fetching.ts';

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
  expect(error?.hint).toBe('look at what that file is, or give another --source');
});
