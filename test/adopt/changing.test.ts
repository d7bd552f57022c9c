import {
  appendFileSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AdoptOptions, LinkMode } from '../../src/adopt/types.ts';
import type { RunEvent } from '../../src/events.ts';
import { datasetStatus } from '../../src/status.ts';
import { verifyDataset } from '../../src/verify/verify-dataset.ts';
import { adopt, bytesOf, imagesOf, keepIndexes, leftOf, makeRelease } from '../support/adopting.ts';
import { noise } from '../support/fetching.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const release = makeRelease();
const { manifest } = release;
const LINKS: readonly LinkMode[] = ['auto', 'copy', 'move'];

let [root, held, dest] = ['', '', ''];
beforeEach(async () => {
  root = await tempDir();
  [held, dest] = [join(root, 'held'), join(root, 'set')];
});

/** Does something once, at the first event that is so: between two steps of the adoption. */
function takeWhile(
  is: (event: RunEvent) => boolean,
  act: () => void,
  more: Partial<AdoptOptions> = {},
) {
  let isDone = false;
  const onEvent = (event: RunEvent) => {
    if (isDone || !is(event)) return;
    isDone = true;
    act();
  };
  return adopt({ paths: [held], dest, manifest, onEvent, ...more });
}

const isHashed = (event: RunEvent) => event.event === 'phase-done' && event.phase === 'hash';

const WAYS: readonly (readonly [string, (path: string) => void])[] = [
  ['is cut', (path) => truncateSync(path, 5000)],
  ['grows', (path) => appendFileSync(path, 'more')],
  [
    'is written anew, its date set back',
    (path) => {
      const { atime, mtime, size } = statSync(path);
      writeFileSync(`${path}.new`, noise('new', size));
      utimesSync(`${path}.new`, atime, mtime);
      renameSync(`${path}.new`, path);
    },
  ],
];

describe('an archive that changes between its hash and its place', () => {
  describe.each(WAYS)('%s', (_, change) => {
    it.each(LINKS)('with %s: is no archive of the dataset, and stays where it is', async (link) => {
      await writeTree(held, { 'a.zip': bytesOf(release, 'ChestDx-1') });
      const path = join(held, 'a.zip');
      const result = await takeWhile(isHashed, () => change(path), { link });
      expect(result.files.map(({ file, did }) => [file, did])).toEqual([
        ['ChestDx-1.zip', 'failed'],
      ]);
      expect(result.files[0]?.error?.code).toBe('changed');
      expect(await listTree(held)).toEqual(['a.zip']);
      expect(await listTree(join(dest, 'archives'))).toEqual([]);
      expect(await listTree(join(dest, '.ccxri/partial'))).toEqual([]);
    });
  });

  it('gives way to another copy of it', async () => {
    const bytes = bytesOf(release, 'ChestDx-1');
    await writeTree(held, { 'a.zip': bytes, 'b.zip': bytes });
    let hashes = 0;
    const bothHashed = (event: RunEvent) => isHashed(event) && (hashes += 1) === 2;
    const result = await takeWhile(bothHashed, () => truncateSync(join(held, 'a.zip'), 5000));
    expect(result.files.map(({ did, from }) => [did, from])).toEqual([
      ['adopted', join(held, 'b.zip')],
    ]);
    expect(await readFile(join(dest, 'archives/ChestDx-1.zip'))).toEqual(bytes);
  });

  it('and is gone: it fails alone', async () => {
    await writeTree(held, {
      'a.zip': bytesOf(release, 'ChestDx-1'),
      'b.zip': bytesOf(release, 'ChestDx-2'),
    });
    let hashes = 0;
    const bothHashed = (event: RunEvent) => isHashed(event) && (hashes += 1) === 2;
    const gone = () => renameSync(join(held, 'a.zip'), join(root, 'gone'));
    const { files } = await takeWhile(bothHashed, gone);
    expect(files.map(({ did }) => did)).toEqual(['failed', 'adopted']);
  });
});

describe('images that change while others of their archive are taken', () => {
  const images = imagesOf(release, 'ChestDx-1');
  const names = Object.keys(images).sort();
  const [first = '', , , , , last = ''] = names;
  const isBegun = (event: RunEvent) => event.event === 'phase-start' && event.phase === 'check';

  it.each(WAYS.flatMap(([how, change]) => LINKS.map((link) => [how, link, change] as const)))(
    '%s, with %s: not taken for what its archive has',
    async (_, link, change) => {
      await keepIndexes(release, dest);
      await writeTree(held, images);
      const result = await takeWhile(isBegun, () => change(join(held, last)), { link });
      expect(result.images).toMatchObject([{ file: 'ChestDx-1.zip', crcChecked: 5, left: 1 }]);
      expect(leftOf(result)).toEqual({ differs: 1 });
      expect(result.images[0]?.error?.code).toBe('md5-mismatch');
      const placed = join(dest, 'images/ChestDx-1');
      expect(await listTree(placed)).toEqual(names.filter((name) => name !== last));
      expect(await readFile(join(placed, first))).toEqual(images[first]);
      expect(await listTree(held)).toContain(last);
      const { outcomes } = await verifyDataset({ dest, manifest, depth: 'deep' });
      expect(outcomes.flatMap(({ error }) => error ?? [])).toEqual([]);
      const { files } = await datasetStatus({ dest, manifest });
      expect(files.find(({ file }) => file === 'ChestDx-1.zip')).toMatchObject({ singleImages: 5 });
    },
  );
});
