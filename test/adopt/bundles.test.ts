import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { adopt, imagesOf, keepIndexes, makeRelease, zipOf } from '../support/adopting.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const release = makeRelease();

/** How many files below a directory this process has open. */
function openBelow(directory: string): number {
  const paths = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(join('/proc/self/fd', fd));
    } catch {
      // The directory's own descriptor.
      return '';
    }
  });
  return paths.filter((path) => path.startsWith(directory)).length;
}

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
  while (openBelow(held) < 40) await turn();
  stop.abort();
  expect(await ending).toMatchObject({ code: 'aborted' });
  expect(openBelow(held)).toBe(0);
});
