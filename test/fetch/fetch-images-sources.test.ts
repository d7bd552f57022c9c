import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import {
  type MemberIndex,
  readMemberIndex,
  writeMemberIndex,
} from '../../src/dataset/member-index.ts';
import type { WholeArchives } from '../../src/fetch/fetch-types.ts';
import { queryImages } from '../../src/query/query-images.ts';
import type { ListedMember } from '../../src/zip/listing.ts';
import { fastClock } from '../support/clock.ts';
import { choiceOf, imagesIn, makeSmallRelease, runImages } from '../support/chosen-images.ts';
import { destIn } from '../support/fetching.ts';
import { type Nginx, hasNginx, useNginx } from '../support/nginx.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

const NAME = 'ChestDx-1.zip';
const OF_ONE = { selection: { files: ['ChestDx-1', 'chest_dx.csv'] } };
const SOME = choiceOf({ labels: [], limit: 6 });
const MORE = choiceOf({ labels: [], limit: 12 });

/** Requests for parts of archives, without the first bytes by which a base URL is found. */
async function rangesOf(server: Nginx): Promise<readonly string[]> {
  const requests = await server.requests();
  return requests
    .filter(({ path, range }) => path.includes('.zip') && !/^(?:|bytes=0-255)$/.test(range))
    .map(({ range }) => range);
}

const isTail = (range: string) => range.startsWith('bytes=-');

describe.skipIf(!hasNginx)(
  'a server that serves no parts any more, with an index that is kept',
  () => {
    async function setUp(extra = 'max_ranges 0;') {
      const { manifest, directory } = await makeSmallRelease(await tempDir());
      const root = await tempDir();
      const server = await nginx({ root: directory });
      await runImages(root, { manifest, sources: [server.url], images: choiceOf({ limit: 6 }) });
      const other = await nginx({ root: directory, extra });
      const images = choiceOf({ limit: 12 });
      return { root, setup: { manifest, sources: [`${other.url}/{name}`], images } };
    }

    test('is refused, with what the whole archives would cost', async () => {
      const { root, setup } = await setUp();
      const asked: WholeArchives[] = [];
      const refused = await runImages(root, {
        ...setup,
        confirmWhole: (cost) => {
          asked.push(cost);
          return Promise.resolve(false);
        },
      });
      expect(refused.exit).toBe(9);
      const errors = refused.result?.outcomes.flatMap(({ error }) => error ?? []) ?? [];
      expect(errors.length).toBeGreaterThan(1);
      for (const { code, next } of errors) {
        expect(code).toBe('ranges-refused');
        expect(next).toMatchObject([{ option: 'allow-whole' }]);
      }
      // Once for all of them.
      expect(asked).toHaveLength(1);
      expect(asked[0]?.archives).toHaveLength(errors.length);
      expect(await imagesIn(root)).toHaveLength(6);
    });

    test('is asked about with those of which nothing is known yet, once', async () => {
      const { manifest, directory } = await makeSmallRelease(await tempDir());
      const root = await tempDir();
      const { url } = await nginx({ root: directory });
      const two = { files: ['ChestDx-1', 'ChestDx-2', 'chest_dx.csv'] };
      await runImages(root, { manifest, sources: [url], images: SOME, selection: two });
      const other = await nginx({ root: directory, extra: 'max_ranges 0;' });
      const asked: WholeArchives[] = [];
      const { exit } = await runImages(root, {
        ...{
          manifest,
          sources: [`${other.url}/{name}`],
          images: choiceOf({ labels: [], limit: 18 }),
        },
        selection: { files: [...two.files, 'ChestDx_PE-1'] },
        confirmWhole: (cost) => {
          asked.push(cost);
          return Promise.resolve(true);
        },
      });
      expect(exit).toBe(0);
      expect(asked.map(({ archives }) => archives)).toEqual([
        ['ChestDx_PE-1.zip', 'ChestDx-1.zip', 'ChestDx-2.zip'],
      ]);
    });

    test.each([
      ['--allow-whole', { allowWhole: true }],
      ['a yes', { confirmWhole: () => Promise.resolve(true) }],
    ])('gives its archives whole with %s', async (_, how) => {
      const { root, setup } = await setUp();
      const { exit, result } = await runImages(root, { ...setup, ...how });
      expect(exit).toBe(0);
      expect(result?.images).toMatchObject({ images: 12, here: 12 });
      const whole = result?.outcomes.filter(({ status }) => status === 'verified') ?? [];
      expect(whole.length).toBeGreaterThan(1);
    });

    test.each([400, 403, 405, 416, 501])(
      'refuses with %i: that is seen as well',
      async (status) => {
        const { root, setup } = await setUp(`if ($http_range) { return ${status}; }`);
        const { exit, result } = await runImages(root, { ...setup, allowWhole: true });
        expect(result?.outcomes.flatMap(({ error }) => error ?? [])).toEqual([]);
        expect(exit).toBe(0);
        expect(result?.images).toMatchObject({ images: 12, here: 12 });
      },
    );
  },
);

describe.skipIf(!hasNginx)('an index that was received wrongly', () => {
  const wrong: readonly [string, (member: ListedMember) => ListedMember][] = [
    ['a CRC-32', (member) => ({ ...member, crc32: (member.crc32 ^ 1) >>> 0 })],
    [
      'a name',
      ({ path, ...member }) => ({ ...member, path, name: member.name.replace(/at/, 'bt') }),
    ],
    ['a length', (member) => ({ ...member, size: member.size + 1 })],
  ];

  /** @param ofHere whether it is wrong about the images that are here, or about the others */
  async function setUp(change: (member: ListedMember) => ListedMember, ofHere = false) {
    const { manifest, directory } = await makeSmallRelease(await tempDir());
    const server = await nginx({ root: directory });
    const root = await tempDir();
    const setup = { manifest, sources: [server.url], ...OF_ONE };
    await runImages(root, { ...setup, images: SOME });
    const here = new Set((await imagesIn(root)).map((path) => path.slice(path.indexOf('/') + 1)));
    const layout = layoutOf(destIn(root));
    const file = manifest.files.find(({ name }) => name === NAME) ?? { name: NAME, md5: '' };
    const read = async (): Promise<MemberIndex> => {
      const index = await readMemberIndex(layout, file);
      if (index === undefined) throw new Error('no index');
      return index;
    };
    const right = await read();
    const members = right.listing.members.map((member) =>
      here.has(member.path) === ofHere ? change(member) : member,
    );
    await writeMemberIndex(layout, file, { ...right, listing: { ...right.listing, members } });
    expect((await read()).listing).not.toEqual(right.listing);
    return { root, server, read, right, setup: { ...setup, images: MORE } };
  }

  test.each(wrong)('in %s is read again, and not held against the archive', async (_, change) => {
    const { root, setup, read, right } = await setUp(change);
    const { exit, result } = await runImages(root, setup);
    expect(result?.outcomes.flatMap(({ error }) => error ?? [])).toEqual([]);
    expect(exit).toBe(0);
    expect(result?.images).toMatchObject({ here: 12, notInArchive: [] });
    expect((await read()).listing).toEqual(right.listing);
  });

  test('in a name is read again by a query as well, before the archive is said not to have it', async () => {
    const { root, setup, read, right } = await setUp(({ path, ...member }) => ({
      ...{ ...member, path, name: member.name.replace(/at/, 'bt') },
    }));
    const { images: choice, ...where } = setup;
    const asked = { ...where, choice, dest: destIn(root), clock: fastClock() };
    const offline = await queryImages({ ...asked, sources: ['http://127.0.0.1:9/{name}'] });
    expect(offline.notInArchive).toHaveLength(6);
    const { notInArchive } = await queryImages(asked);
    expect(notInArchive).toEqual([]);
    expect((await read()).listing).toEqual(right.listing);
  });

  test('in a CRC-32 of an image that is here is read again', async () => {
    const { root, setup, read, right } = await setUp(
      (member) => ({ ...member, crc32: (member.crc32 ^ 1) >>> 0 }),
      true,
    );
    const { exit, result } = await runImages(root, setup);
    expect(result?.outcomes.flatMap(({ error }) => error ?? [])).toEqual([]);
    expect(exit).toBe(0);
    expect((await read()).listing).toEqual(right.listing);
  });
});

/** In four of the six images that are meant, one byte; headers stay as they are. */
async function damageImages({
  manifest,
  directory,
}: Awaited<ReturnType<typeof makeSmallRelease>>): Promise<void> {
  const root = await tempDir();
  const server = await nginx({ root: directory });
  await runImages(root, { manifest, sources: [server.url], images: SOME, ...OF_ONE });
  const here = (await imagesIn(root)).slice(0, 4);
  const file = manifest.files.find(({ name }) => name === NAME) ?? { name: NAME, md5: '' };
  const index = await readMemberIndex(layoutOf(destIn(root)), file);
  const path = join(directory, NAME);
  const bytes = await readFile(path);
  for (const member of (index?.listing.members ?? []).filter((each) =>
    here.some((image) => image.endsWith(each.path)),
  )) {
    const at = member.headerStart + 1000;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  }
  await writeFile(path, bytes);
}

describe.skipIf(!hasNginx)('of several sources', () => {
  async function setUp() {
    const [one, two] = [
      await makeSmallRelease(await tempDir()),
      await makeSmallRelease(await tempDir()),
    ];
    const servers = [await nginx({ root: one.directory }), await nginx({ root: two.directory })];
    const sources = servers.map(({ url }) => url);
    return { one, servers, setup: { manifest: one.manifest, sources, images: SOME, ...OF_ONE } };
  }

  test('the last bytes are asked for once, at the one that has them', async () => {
    const { servers, setup } = await setUp();
    const { exit } = await runImages(await tempDir(), setup);
    expect(exit).toBe(0);
    const [first, second] = await Promise.all(servers.map(rangesOf));
    expect(first?.filter(isTail)).toHaveLength(1);
    expect(first?.length).toBeGreaterThan(1);
    expect(second).toEqual([]);
  });

  test('the last bytes are not asked for again with an index that is kept', async () => {
    const { servers, setup } = await setUp();
    const root = await tempDir();
    await runImages(root, setup);
    const { exit } = await runImages(root, { ...setup, images: MORE });
    expect(exit).toBe(0);
    expect(await imagesIn(root)).toHaveLength(12);
    const [first, second] = await Promise.all(servers.map(rangesOf));
    expect(first?.filter(isTail)).toHaveLength(1);
    expect(second).toEqual([]);
  });

  test('the second gives the images that are damaged at the first', async () => {
    const { one, servers, setup } = await setUp();
    await damageImages(one);
    const root = await tempDir();
    const { exit, result, events } = await runImages(root, setup);
    expect(result?.outcomes.flatMap(({ error }) => error ?? [])).toEqual([]);
    expect(exit).toBe(0);
    expect(await imagesIn(root)).toHaveLength(6);
    expect(events.filter(({ event }) => event === 'source-left')).toHaveLength(1);
    const unpacked = events.filter(
      (each) => each.event === 'phase-done' && each.phase === 'extract',
    );
    expect(unpacked).toMatchObject([{ file: NAME, members: 6 }]);
    const [, second] = await Promise.all(servers.map(rangesOf));
    expect(second?.length).toBeGreaterThan(1);
  });

  test('the second is asked where the directory at the first is no good', async () => {
    const { one, setup } = await setUp();
    const path = join(one.directory, NAME);
    const bytes = await readFile(path);
    bytes.fill(0, bytes.length - 1000);
    await writeFile(path, bytes);
    const root = await tempDir();
    const { exit } = await runImages(root, setup);
    expect(exit).toBe(0);
    expect(await imagesIn(root)).toHaveLength(6);
  });

  test('an image that is damaged at each is told, and the others come', async () => {
    const { one, setup } = await setUp();
    await damageImages(one);
    const sources = [setup.sources[0] ?? '', one.directory];
    const root = await tempDir();
    const { exit, result } = await runImages(root, { ...setup, sources });
    expect(exit).toBe(3);
    const outcome = result?.outcomes.find(({ file }) => file === NAME);
    expect(outcome).toMatchObject({ did: 'failed', error: { code: 'damaged-archive' } });
    expect(outcome?.damagedMembers).toHaveLength(4);
    expect(outcome?.images).toBe(2);
    expect(await imagesIn(root)).toHaveLength(2);
  });
});

test.skipIf(!hasNginx)(
  'a dry run reads each directory once, also where no label file names the images',
  async () => {
    const { manifest, directory } = await makeSmallRelease(await tempDir());
    const server = await nginx({ root: directory });
    const { error, result } = await runImages(await tempDir(), {
      ...{ manifest, sources: [server.url], dryRun: true },
      images: choiceOf({ labels: ['COVID-19'], limit: 6 }),
    });
    expect(error).toBeUndefined();
    expect(result?.plan.images?.images).toBe(6);
    const viral = (await server.requests()).filter(
      ({ path, range }) => path.includes('Viral-1.zip') && isTail(range),
    );
    expect(viral).toHaveLength(1);
  },
);
