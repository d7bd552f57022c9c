import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LinkMode } from '../../src/adopt/types.ts';
import {
  adopt,
  bytesOf,
  filesOf,
  imagesOf,
  inFolder,
  keepIndexes,
  makeRelease,
} from '../support/adopting.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const mounts = useMounts();
const release = makeRelease();
const { manifest } = release;
const images = imagesOf(release, 'ChestDx-2');

async function laidOut(sizeBytes: number) {
  const root = await tempDir();
  const dest = join(root, 'set');
  await keepIndexes(release, dest);
  const held = await mounts.small(sizeBytes);
  await writeTree(held, {
    'a (1).zip': bytesOf(release, 'ChestDx-1'),
    'labels.txt': bytesOf(release, 'chest_dx.csv'),
    'notes.txt': 'mine',
    ...inFolder('x', images),
  });
  return { dest, held };
}

describe.skipIf(!canMount)('what lies on another disk, where no hard link is possible', () => {
  const cases: readonly (readonly [LinkMode, string, readonly string[]])[] = [
    [
      'auto',
      'copied',
      ['a (1).zip', 'labels.txt', 'notes.txt', 'x', ...Object.keys(inFolder('x', images))],
    ],
    ['move', 'moved', ['notes.txt', 'x']],
  ];
  it.each(cases)('is with %s %s, and checked as it lies here', async (link, how, stays) => {
    const { dest, held } = await laidOut(4_000_000);
    const result = await adopt({ paths: [held], dest, manifest, link });
    expect(filesOf(result)).toEqual({
      'ChestDx-1.zip': `adopted ${how}`,
      'chest_dx.csv': `adopted ${how}`,
    });
    expect(result.images).toMatchObject([{ file: 'ChestDx-2.zip', crcChecked: 6, left: 0 }]);
    expect(await listTree(held)).toEqual([...stays].sort());
    expect(await readFile(join(dest, 'archives/ChestDx-1.zip'))).toEqual(
      bytesOf(release, 'ChestDx-1'),
    );
    for (const [name, bytes] of Object.entries(images)) {
      expect(await readFile(join(dest, 'images/ChestDx-2', name))).toEqual(bytes);
    }
    expect(await listTree(join(dest, '.ccxri/partial'))).toEqual([]);
    expect(await listTree(join(dest, '.ccxri/stage'))).toEqual([]);
  });

  it('is not lost where the disk of the dataset is too small: nothing half, and nothing moved', async () => {
    const held = join(await tempDir(), 'held');
    await writeTree(held, { a: bytesOf(release, 'ChestDx-1') });
    const dest = join(await mounts.small(24_576), 'set');
    const { files } = await adopt({ paths: [held], dest, manifest, link: 'move' });
    expect(files).toMatchObject([{ did: 'failed', error: { code: 'disk-full' } }]);
    expect(await readFile(join(held, 'a'))).toEqual(bytesOf(release, 'ChestDx-1'));
    expect(await listTree(join(dest, 'archives'))).toEqual([]);
    expect(await listTree(join(dest, '.ccxri/partial'))).toEqual([]);
  });
});
