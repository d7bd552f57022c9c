import {
  chmod,
  chown,
  copyFile,
  mkdir,
  readFile,
  readdir,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { Ledger } from '../../src/dataset/ledger.ts';
import { queryImages } from '../../src/query/query-images.ts';
import { readListing } from '../../src/zip/listing.ts';
import { bufferReader } from '../support/buffer-reader.ts';
import {
  choiceOf,
  imagesIn,
  makeSmallRelease,
  runImages,
  withBytes,
} from '../support/chosen-images.ts';
import { flipped } from '../support/damaged.ts';
import { destIn, run } from '../support/fetching.ts';
import { saying } from '../support/matchers.ts';
import { useNginx } from '../support/nginx.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

const NAME = 'ChestDx-1.zip';
const FINAL = `archives/${NAME}`;
const SOME = choiceOf({ limit: 3 });
const COVID = 'viral_pneumonia_COVID-19.csv';
const NOBODY = 65_534;

/** A release at a server, and the bytes of an archive in which an image of the choice has been damaged. */
async function release() {
  const { manifest, directory } = await makeSmallRelease(await tempDir());
  const server = await nginx({ root: directory });
  const setup = {
    manifest,
    sources: [`${server.url}/{name}`],
    images: SOME,
    selection: { files: ['ChestDx-1'] },
  };
  const elsewhere = await tempDir();
  await runImages(elsewhere, setup);
  const chosen = await imagesIn(elsewhere);
  const bytes = await readFile(join(directory, NAME));
  const { members } = await readListing(bufferReader(bytes), { file: NAME });
  const headers = members
    .filter(({ path }) => chosen.includes(`ChestDx-1/${path}`))
    .map(({ headerStart }) => headerStart);
  expect(headers).toHaveLength(3);
  const [header = 0] = headers;
  const asked = async () =>
    (await server.requests()).filter(({ path }) => path.endsWith(NAME)).length;
  return { setup, directory, bytes, header, chosen, asked };
}

const kept = (root: string) => layoutOf(destIn(root));
const receiptIn = (root: string) => new Ledger(kept(root).ledger).readReceipt(NAME);

describe('an archive that was put into archives/ by hand', () => {
  async function withArchive(bytes?: (all: Buffer, header: number) => Buffer) {
    const world = await release();
    const root = await tempDir();
    await mkdir(kept(root).archives, { recursive: true });
    const path = join(kept(root).archives, NAME);
    await copyFile(join(world.directory, NAME), path);
    if (bytes !== undefined) await writeFile(path, bytes(world.bytes, world.header + 300));
    return { ...world, root };
  }

  it('is checked, and the images are read out of it', async () => {
    const { root, setup, asked, chosen } = await withArchive();
    const before = await asked();
    const { result, error } = await runImages(root, setup);
    expect(error).toBeUndefined();
    expect(await asked()).toBe(before);
    expect(await imagesIn(root)).toEqual(chosen);
    expect(result?.outcomes).toContainEqual(
      expect.objectContaining({ file: NAME, did: 'extracted', check: 'verified', images: 3 }),
    );
    expect(await receiptIn(root)).toMatchObject({ status: 'verified' });
  });

  it('is counted on by a plan, which checks nothing', async () => {
    const { root, setup, asked } = await withArchive();
    const before = await asked();
    const tree = await listTree(destIn(root));
    const { result } = await runImages(root, { ...setup, dryRun: true });
    expect(result?.plan.images).toMatchObject({ images: 3, requests: 0, bytes: 0 });
    expect(await asked()).toBe(before);
    expect(await listTree(destIn(root))).toEqual(tree);
  });

  it('stays as it is where it is not the published one, and the images come from the source', async () => {
    const { root, setup, chosen, bytes, header } = await withArchive(flipped);
    const foreign = { [FINAL]: flipped(bytes, header + 300) };
    const { error, events } = await runImages(root, { ...setup, foreign });
    expect(error).toBeUndefined();
    expect(await imagesIn(root)).toEqual(chosen);
    const warnings = events.filter(({ event }) => event === 'warning');
    expect(warnings).toMatchObject([{ code: 'disk', file: NAME }]);
    expect(await receiptIn(root)).toBeUndefined();
  });

  it.skipIf(process.geteuid?.() !== 0)(
    'stays as it is where it can not be read, which is told, and the images come from the source',
    async () => {
      const { root, setup, chosen } = await withArchive();
      const path = join(kept(root).archives, NAME);
      await chmod(path, 0);
      for (const each of [root, ...(await readdir(root, { recursive: true }))]) {
        if (!each.endsWith(NAME)) await chown(resolve(root, each), NOBODY, NOBODY);
      }
      process.seteuid?.(NOBODY);
      try {
        const { exit, events } = await runImages(root, setup);
        expect(exit).toBe(0);
        const warnings = events.filter(({ event }) => event === 'warning');
        expect(warnings).toMatchObject([{ code: 'disk', file: NAME }]);
        expect(warnings[0]).toHaveProperty('message', expect.stringContaining('EACCES'));
      } finally {
        process.seteuid?.(0);
      }
      expect(await imagesIn(root)).toEqual(chosen);
    },
  );

  it('is left aside by a plan where it is no archive, as a fetch leaves it', async () => {
    const { root, setup, bytes } = await withArchive((all) => Buffer.alloc(all.length, 'no zip '));
    const foreign = { [FINAL]: Buffer.alloc(bytes.length, 'no zip ') };
    const { exit, result } = await runImages(root, { ...setup, foreign, dryRun: true });
    expect(exit).toBe(0);
    expect(result?.plan.images).toMatchObject({ images: 3, archives: 1, wholeArchives: 0 });
  });

  it('is read in its place also where no label file names its images: by a plan, a query and a fetch', async () => {
    const { manifest, directory } = await makeSmallRelease(await tempDir());
    const root = await tempDir();
    const { archives, labels } = kept(root);
    await mkdir(archives, { recursive: true });
    await mkdir(labels, { recursive: true });
    await copyFile(join(directory, 'Viral-1.zip'), join(archives, 'Viral-1.zip'));
    await copyFile(join(directory, COVID), join(labels, COVID));
    const images = choiceOf({ labels: ['COVID-19'] });
    const selection = { files: ['Viral-1'] };
    const setup = { manifest, sources: ['http://127.0.0.1:9/'], selection };
    const counted = await queryImages({ ...setup, dest: destIn(root), choice: images });
    const planned = await runImages(root, { ...setup, images, dryRun: true });
    expect(planned.exit).toBe(0);
    expect(planned.result?.plan.images).toMatchObject({ images: counted.images, bytes: 0 });
    const { exit } = await runImages(root, { ...setup, images });
    expect(exit).toBe(0);
    expect(counted.images).toBeGreaterThan(0);
    expect(await imagesIn(root)).toHaveLength(counted.images);
  });
});

describe('an archive that had passed, and out of which an image can not be read', () => {
  /** The archive is here and checked, and then has these bytes, as if nobody had written to it. */
  async function damagedSince(at: number) {
    const world = await release();
    const root = await tempDir();
    const whole = { ...world.setup, images: undefined };
    await run({ ...whole, dest: destIn(root) });
    const path = join(kept(root).archives, NAME);
    const { atime, mtime } = await stat(path);
    const damaged = flipped(world.bytes, world.header + at);
    await writeFile(path, damaged);
    await utimes(path, atime, mtime);
    return { ...world, root, setup: { ...world.setup, foreign: { [FINAL]: damaged } } };
  }

  it('is noted as bad where it has another date as well, and the images come from the source', async () => {
    const { root, setup, chosen } = await damagedSince(300);
    await utimes(join(kept(root).archives, NAME), 1, 1);
    const { error, events } = await runImages(root, setup);
    expect(error).toBeUndefined();
    expect(await imagesIn(root)).toEqual(chosen);
    expect(events.filter(({ event }) => event === 'warning')).toMatchObject([{ file: NAME }]);
    expect((await receiptIn(root))?.foundBadAt).toBeDefined();
  });

  it.each([
    ['its bytes are others', 300],
    ['its header is another', 26],
  ])('is known to be damaged from then on, for %s', async (_, at) => {
    const { root, setup, asked, chosen } = await damagedSince(at);
    const failed = await runImages(root, setup);
    const outcome = failed.result?.outcomes.find(({ file }) => file === NAME);
    expect(outcome).toMatchObject({
      status: 'bad',
      error: {
        ...{
          code: 'md5-mismatch',
          facts: { file: NAME, expected: saying('MD5'), found: saying('MD5') },
        },
        next: [{ kind: 'run', command: 'repair', files: ['ChestDx-1'] }, {}],
      },
    });
    expect(failed.exit).toBe(3);
    expect(outcome?.error?.message).toContain('is not what was published now');
    expect((await receiptIn(root))?.foundBadAt).toBeDefined();
    // The next run does not rely on it.
    const before = await asked();
    const again = await runImages(root, setup);
    expect(again.exit).toBe(0);
    expect(again.events.filter(({ event }) => event === 'warning')).toMatchObject([{ file: NAME }]);
    expect(await asked()).toBeGreaterThan(before);
    expect(await imagesIn(root)).toEqual(chosen);
  });

  it('is to be reported where it was published like this', async () => {
    const { setup, directory, bytes, header } = await release();
    const published = flipped(bytes, header + 300);
    await writeFile(join(directory, NAME), published);
    const { images, ...whole } = setup;
    const manifest = withBytes(setup.manifest, { [NAME]: published });
    const root = await tempDir();
    await run({ ...whole, manifest, dest: destIn(root) });
    const { result } = await runImages(root, { ...whole, manifest, images });
    const outcome = result?.outcomes.find(({ file }) => file === NAME);
    expect(outcome).toMatchObject({ images: 2, error: { code: 'damaged-archive' } });
    expect(outcome?.error?.next).toMatchObject([{ kind: 'advice' }]);
    expect(outcome?.error?.next[0]).toHaveProperty('text', expect.stringContaining('report it'));
    expect((await receiptIn(root))?.foundBadAt).toBeUndefined();
    expect(await readdir(kept(root).archives)).toEqual([NAME]);
  });
});
