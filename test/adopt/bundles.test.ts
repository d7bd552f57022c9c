import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { adopt, imagesOf, keepIndexes, makeRelease, zipOf } from '../support/adopting.ts';
import { openFilesBelow } from '../support/open-files.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const release = makeRelease();

it('a stop while bundles are opened leaves none of them open', async () => {
  const [held, dest] = [await tempDir(), join(await tempDir(), 'set')];
  await keepIndexes(release, dest);
  const bundle = zipOf(imagesOf(release, 'ChestDx-1'), { method: 8 });
  const names = Array.from({ length: 100 }, (_, n) => `bundle${n}.zip`);
  await writeTree(held, Object.fromEntries(names.map((name) => [name, bundle])));
  const stop = new AbortController();
  const { manifest } = release;
  const ending = adopt({ paths: [held], dest, manifest, signal: stop.signal }).then(
    () => 'done',
    (error: unknown) => error,
  );
  // Each stays open until the images are taken from all of them. While it is looked around, 32 are at most.
  while (openFilesBelow(held).length < 40) await turn();
  stop.abort();
  expect(await ending).toMatchObject({ code: 'aborted' });
  expect(openFilesBelow(held)).toEqual([]);
});
