import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { archiveOf, damageAfterFetch, flipped, memberName } from '../support/damaged.ts';
import { destIn, manifestOf, run } from '../support/fetching.ts';
import { saying } from '../support/matchers.ts';
import { useNginx } from '../support/nginx.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

const archive = archiveOf('ChestDx-1.zip', { members: 20, bytes: 100_000 });
const manifest = manifestOf(archive);
const FINAL = `archives/${archive.name}`;

interface Setting {
  /** What the source has by the time of the repair. */
  readonly served?: Buffer;
  /** More of nginx's directives. */
  readonly extra?: string;
}

async function setUp(damaged: Buffer, { served = archive.bytes, ...more }: Setting = {}) {
  const root = await tempDir();
  await writeFile(join(root, archive.name), archive.bytes);
  const server = await nginx({ root, ...more });
  const dest = destIn(await tempDir());
  await mkdir(join(dest, '..'));
  const setup = { dest, manifest, sources: [server.url] };
  await damageAfterFetch(dest, archive, setup.sources, damaged);
  await writeFile(join(root, archive.name), served);
  const before = (await server.requests()).length;
  const fetched = async () => {
    const requests = (await server.requests()).slice(before);
    // The first shows only what the source is.
    return requests.filter(({ range }) => range !== '' && range !== 'bytes=0-255');
  };
  return { setup, dest, fetched, final: () => readFile(join(dest, FINAL)) };
}

const MEMBER_BYTES = 100_049;
/** In the middle of a member's bytes. */
const inside = (member: number) => member * MEMBER_BYTES + 50_000;

it('#224 fetches the damaged members of an archive that had passed, and nothing else', async () => {
  const { setup, dest, fetched, final } = await setUp(
    flipped(archive.bytes, inside(3), inside(11)),
  );
  const ran = await run(setup);
  expect(ran.outcomes).toEqual(['repaired']);
  expect(ran.result?.outcomes[0]).toMatchObject({
    status: 'verified',
    repair: {
      badMembers: [memberName(3), memberName(11)],
      isDirectoryBad: false,
      wholeBecause: null,
    },
  });
  expect((await final()).equals(archive.bytes)).toBe(true);
  const bytes = (await fetched()).reduce((sum, request) => sum + request.bytes, 0);
  // Two members, and the last 64 KiB with the directory.
  expect(bytes).toBeLessThan(2 * 101_000 + 66_000);
  expect(ran.result?.outcomes[0]?.repair?.fetchedBytes).toBe(bytes);
  expect((await listTree(join(dest, '.ccxri', 'partial'))).length).toBe(0);
});

const whole = archive.bytes.length;
const TAIL_BYTES = 65_557;

it.each([
  ['its header', flipped(archive.bytes, 5 * MEMBER_BYTES + 26), [5], false, MEMBER_BYTES],
  ['its name', flipped(archive.bytes, 5 * MEMBER_BYTES + 35), [5], false, MEMBER_BYTES],
  ['the directory', flipped(archive.bytes, whole - 200), [], true, 0],
  ['the end record', flipped(archive.bytes, whole - 5), [], true, 0],
  ['no CRC-32', flipped(archive.bytes, 5 * MEMBER_BYTES + 11), [], false, 20 * 49],
  ['the last tenth', archive.bytes.subarray(0, whole * 0.9), [18, 19], true, 2 * MEMBER_BYTES],
  ['bytes behind it', Buffer.concat([archive.bytes, Buffer.from('more')]), [], false, 0],
  [
    'all behind',
    Buffer.concat([archive.bytes.subarray(0, inside(9)), Buffer.alloc(whole)]),
    [],
    true,
    whole,
  ],
])('puts right what is wrong in %s', async (_, damaged, members, isDirectoryBad, bytes) => {
  const { setup, fetched, final } = await setUp(damaged);
  const ran = await run(setup);
  expect(ran.outcomes).toEqual(['repaired']);
  expect((await final()).equals(archive.bytes)).toBe(true);
  const repair = ran.result?.outcomes[0]?.repair;
  if (bytes < whole) expect(repair?.badMembers).toEqual(members.map(memberName));
  expect(repair).toMatchObject({ wholeBecause: null, isDirectoryBad });
  const sum = (await fetched()).reduce((all, request) => all + request.bytes, 0);
  expect(sum).toBeLessThanOrEqual(bytes + TAIL_BYTES);
});

it.each([
  ['the source serves no ranges', { extra: 'max_ranges 0;' }],
  ['nothing of it is right', {}],
])('downloads all of it where %s, and says so', async (_, setting) => {
  const isGone = Object.keys(setting).length === 0;
  const damaged = isGone ? Buffer.alloc(whole) : flipped(archive.bytes, inside(3));
  const { setup, final } = await setUp(damaged, setting);
  const ran = await run(setup);
  expect(ran.outcomes).toEqual(['repaired']);
  expect((await final()).equals(archive.bytes)).toBe(true);
  const why = isGone ? 'too little of it is good' : saying('does not serve parts');
  expect(ran.result?.outcomes[0]?.repair).toMatchObject({ wholeBecause: why, keptBytes: 0 });
  expect(ran.events).toContainEqual(
    expect.objectContaining({ event: 'repair', wholeBecause: why }),
  );
});

it.each([
  [
    'is of another release',
    archiveOf(archive.name, { members: 20, bytes: 100_000, seed: 2 }).bytes,
  ],
  ['has another length', archiveOf(archive.name, { members: 20, bytes: 100_001 }).bytes],
  ['has a directory that lies', flipped(archive.bytes, whole - 12)],
])('leaves the damaged archive where it is if that of the source %s', async (_, served) => {
  const damaged = flipped(archive.bytes, inside(3));
  const { setup, final } = await setUp(damaged, { served });
  const ran = await run({ ...setup, foreign: { [FINAL]: damaged } });
  expect(['md5-mismatch', 'size-mismatch']).toContain(ran.outcomes[0]);
  expect(ran.exit).toBe(3);
  expect((await final()).equals(damaged)).toBe(true);
  expect(ran.result?.outcomes[0]?.status).toBe('bad');
});

it('goes to the next source where the first is of no use for it', async () => {
  const { setup, final } = await setUp(flipped(archive.bytes, inside(3)));
  const root = await tempDir();
  await writeFile(
    join(root, archive.name),
    archiveOf(archive.name, { members: 3, bytes: 9 }).bytes,
  );
  const other = await nginx({ root });
  const ran = await run({ ...setup, sources: [other.url, ...setup.sources] });
  expect(ran.result?.outcomes[0]?.repair?.badMembers).toEqual([memberName(3)]);
  expect((await final()).equals(archive.bytes)).toBe(true);
});

it('copies it from a directory', async () => {
  const { setup, final } = await setUp(flipped(archive.bytes, inside(3)));
  const source = await tempDir();
  await writeFile(join(source, archive.name), archive.bytes);
  const ran = await run({ ...setup, sources: [source] });
  expect(ran.outcomes).toEqual(['repaired']);
  expect((await final()).equals(archive.bytes)).toBe(true);
});

it('keeps the damaged archive and the copy of it when it is stopped, and goes on from there', async () => {
  const damaged = flipped(archive.bytes, inside(2), inside(9), inside(15));
  const { setup, dest, fetched, final } = await setUp(damaged);
  const stop = new AbortController();
  const stopped = await run({
    ...setup,
    signal: stop.signal,
    foreign: { [FINAL]: damaged },
    connections: 1,
    onEvent: (event) => {
      if (event.event === 'phase-start' && event.phase === 'download') stop.abort();
    },
  });
  expect(stopped.exit).toBe(130);
  expect((await final()).equals(damaged)).toBe(true);
  expect(await listTree(join(dest, '.ccxri/partial'))).toHaveLength(2);
  const ran = await run(setup);
  expect(ran.outcomes).toEqual(['repaired']);
  expect((await final()).equals(archive.bytes)).toBe(true);
  const sum = (await fetched()).reduce((all, { bytes }) => all + bytes, 0);
  expect(sum).toBeLessThan(2 * TAIL_BYTES + 4 * MEMBER_BYTES);
});
