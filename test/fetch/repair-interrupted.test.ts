import { writeFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { useChildren } from '../support/children.ts';
import { archiveOf, damageAfterFetch, flipped } from '../support/damaged.ts';
import { destIn, manifestOf, run } from '../support/fetching.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { useNginx } from '../support/nginx.ts';
import { answer, honest, useRawServers } from '../support/raw-server.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();
const serve = useRawServers();
const mounts = useMounts();
const children = useChildren('fetch-child.ts');

const archive = archiveOf('ChestDx-1.zip', { members: 20, bytes: 100_000 });
const manifest = manifestOf(archive);
const FINAL = `archives/${archive.name}`;
const MEMBER_BYTES = 100_049;
const damaged = flipped(
  archive.bytes,
  ...[2, 5, 9, 12, 15].map((member) => member * MEMBER_BYTES + 50_000),
);

/** A directory with the damaged archive, and a server that has the right one. */
async function setUp(parent?: string) {
  const dest = destIn(parent ?? (await tempDir()));
  await mkdir(dirname(dest), { recursive: true });
  const served = { bytes: archive.bytes, isDown: false, etag: '"v1"' };
  const server = await serve((request, reply) =>
    reply.send(served.isDown ? answer(503, '') : honest(served.bytes, request, served.etag)),
  );
  const setup = { dest, manifest, sources: [`${server.url}/{name}`] };
  await damageAfterFetch(dest, archive, setup.sources, damaged);
  return { setup, dest, served, server, final: () => readFile(join(dest, FINAL)) };
}

it('keeps the damaged archive where the server is down, and repairs it when it is back', async () => {
  const { setup, served, final } = await setUp();
  served.isDown = true;
  const ran = await run({ ...setup, retries: 1, foreign: { [FINAL]: damaged } });
  expect(ran.outcomes).toEqual(['http-status']);
  expect(ran.exit).toBe(4);
  expect(ran.result?.outcomes[0]).toMatchObject({ status: 'bad' });
  served.isDown = false;
  expect((await run(setup)).outcomes).toEqual(['repaired']);
  expect((await final()).equals(archive.bytes)).toBe(true);
});

it('does not take bytes of another version for right that the source has from a moment on', async () => {
  const { setup, served, final } = await setUp();
  const ran = await run({
    ...setup,
    foreign: { [FINAL]: damaged },
    onEvent: (event) => {
      if (event.event !== 'repair') return;
      served.bytes = archiveOf(archive.name, { members: 20, bytes: 100_000, seed: 3 }).bytes;
      served.etag = '"v2"';
    },
  });
  expect(ran.outcomes).toEqual(['md5-mismatch']);
  expect((await final()).equals(damaged)).toBe(true);
  const events = ran.events.flatMap((event) => (event.event === 'repair' ? [event] : []));
  expect(events.map(({ wholeBecause }) => wholeBecause)).toEqual([
    null,
    null,
    'its MD5 is still wrong',
  ]);
});

it('leaves an archive alone that another program has replaced during the repair', async () => {
  const { setup, dest, final } = await setUp();
  const mine = Buffer.from('mine');
  const ran = await run({
    ...setup,
    foreign: { [FINAL]: mine },
    onEvent: (event) => {
      const isUnderWay = event.event === 'phase-start' && event.phase === 'download';
      if (isUnderWay) writeFileSync(join(dest, FINAL), mine);
    },
  });
  expect(ran.outcomes).toEqual(['occupied']);
  expect((await final()).equals(mine)).toBe(true);
});

it('is repaired after a kill in the middle, with the damaged archive there until then', async () => {
  const root = await tempDir();
  const dest = destIn(root);
  await mkdir(join(root, 'mirror'), { recursive: true });
  await mkdir(dirname(dest), { recursive: true });
  await writeFile(join(root, 'mirror', archive.name), archive.bytes);
  await writeFile(join(root, 'manifest.json'), JSON.stringify(manifest));
  const fast = await nginx({ root: join(root, 'mirror') });
  await damageAfterFetch(dest, archive, [fast.url], damaged);
  const slow = await nginx({ root: join(root, 'mirror'), limitRate: '100k' });
  const source = `${slow.url}/{name}`;
  const child = await children.start([join(root, 'manifest.json'), source, dest, '1']);
  const hasPart = async () => {
    const names = await listTree(layoutOf(dest).partial).catch(() => []);
    return names.some((name) => name.endsWith('.part'));
  };
  await expect.poll(hasPart, { timeout: 60_000, interval: 5 }).toBe(true);
  child.kill('SIGKILL');
  await child.ended;
  expect((await readFile(join(dest, FINAL))).equals(damaged)).toBe(true);
  const ran = await run({ dest, manifest, sources: [fast.url] });
  expect(ran.outcomes).toEqual(['repaired']);
  expect((await readFile(join(dest, FINAL))).equals(archive.bytes)).toBe(true);
  expect(await listTree(layoutOf(dest).partial)).toEqual([]);
});

it.skipIf(!canMount)(
  'says where the disk is too full for the copy, and keeps the archive',
  async () => {
    const parent = await mounts.small(3_500_000);
    const { setup, dest, final } = await setUp(parent);
    const ran = await run({ ...setup, foreign: { [FINAL]: damaged } });
    expect(ran.outcomes).toEqual(['disk-full']);
    expect(ran.exit).toBe(6);
    expect((await final()).equals(damaged)).toBe(true);
    expect(await listTree(layoutOf(dest).partial)).toEqual([]);
  },
);
