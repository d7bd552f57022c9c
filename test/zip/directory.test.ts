import { expect, it } from 'vitest';
import { withDirectory } from '../../src/zip/directory.ts';
import { bufferReader } from '../support/buffer-reader.ts';
import { buildZip } from '../support/zip-builder.ts';

const zipOf = (members: number) =>
  buildZip(Array.from({ length: members }, (_, i) => ({ name: `${i}.jpg`, method: 0 })));
const [SMALL, LARGE] = [zipOf(10), zipOf(10_001)];

/** How many were at work at once, of several that begin together. */
async function mostAtOnce(zips: readonly Buffer[]): Promise<number> {
  let [atWork, most] = [0, 0];
  const work = async () => {
    atWork += 1;
    most = Math.max(most, atWork);
    // Long enough for the others to be read as well.
    await new Promise((resolve) => setTimeout(resolve, 300));
    atWork -= 1;
  };
  await Promise.all(zips.map((zip) => withDirectory(bufferReader(zip), { file: 'x.zip' }, work)));
  return most;
}

it('archives with very many members are worked on one at a time', async () => {
  expect(await mostAtOnce([LARGE, LARGE, LARGE])).toBe(1);
});

it('archives with fewer do not wait for them', async () => {
  const reader = bufferReader(LARGE);
  const within = await withDirectory(reader, { file: 'large.zip' }, () => mostAtOnce([SMALL]));
  expect(within).toBe(1);
});

it('an archive whose work fails lets the next one begin', async () => {
  const fail = withDirectory(bufferReader(LARGE), { file: 'x.zip' }, () =>
    Promise.reject(new Error('no')),
  );
  await expect(fail).rejects.toThrow('no');
  expect(await mostAtOnce([LARGE])).toBe(1);
});
