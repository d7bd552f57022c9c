import { utimesSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { HashPool } from '../../src/hash/hash-pool.ts';
import { destIn, manifestOf, noise, run, sampleArchive } from '../support/fetching.ts';
import { violations } from '../support/invariants.ts';
import { saying, nextSaying } from '../support/matchers.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { honest, useRawServers } from '../support/raw-server.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const mounts = useMounts();
const a = sampleArchive('ChestDx-1.zip');
const b = sampleArchive('ChestDx-2.zip');
const manifest = manifestOf(a);
const FINAL = 'archives/ChestDx-1.zip';

const serveIt = () =>
  serve((request, reply) =>
    reply.send(honest(request.path.includes('-2.zip') ? b.bytes : a.bytes, request)),
  );

async function setUp(files: Readonly<Record<string, string | Uint8Array>> = {}) {
  const server = await serveIt();
  const dest = destIn(await tempDir());
  await mkdir(join(dest, '..'));
  await writeTree(dest, files);
  return { server, setup: { dest, manifest, sources: [`${server.url}/{name}`] } };
}

describe('a file that lies under the final name already', () => {
  it('#67 right, from a browser: it is hashed once and adopted', async () => {
    const { server, setup } = await setUp({ [FINAL]: a.bytes });
    const first = await run(setup);
    expect(first.outcomes).toEqual(['checked']);
    expect(first.exit).toBe(0);
    const second = await run(setup);
    expect(second.outcomes).toEqual(['skipped']);
    expect(second.events.filter(({ event }) => event === 'phase-start')).toEqual([]);
    expect(server.requests).toEqual([]);
  });

  it.each([{ concurrency: 1 }, { connections: 1 }])(
    'many of them are hashed at once, also with %j',
    async (limits) => {
      const archives = Array.from({ length: 30 }, (_, n) =>
        sampleArchive(`ChestDx-${n + 1}.zip`, { bytes: 10_000 }),
      );
      const files = archives.map(({ name, bytes }) => [`archives/${name}`, bytes] as const);
      const { setup } = await setUp(Object.fromEntries(files));
      const ran = await run({ ...setup, manifest: manifestOf(...archives), ...limits });
      expect(ran.outcomes).toEqual(archives.map(() => 'checked'));
      let hashing = 0;
      const counts = ran.events.map((event) => {
        if ('phase' in event && event.phase === 'hash') {
          if (event.event === 'phase-start') hashing += 1;
          if (event.event === 'phase-done') hashing -= 1;
        }
        return hashing;
      });
      expect(Math.max(...counts)).toBe(new HashPool().lanes);
    },
  );

  it('#59 right, of a run that died before it took note', async () => {
    const { server, setup } = await setUp();
    await run(setup);
    await rm(join(layoutOf(setup.dest).ledger, `${a.name}.json`));
    expect((await run(setup)).outcomes).toEqual(['checked']);
    expect(server.requests).toHaveLength(1);
  });

  it('#58 with the part still beside it, of a run that died in between', async () => {
    const { setup } = await setUp({ [FINAL]: a.bytes });
    const base = `.ccxri/partial/${a.name}.0123456789ab`;
    const state = { partVersion: 1, name: a.name, md5: a.file['md5'], owner: null };
    const origin = { url: '', validator: '"v1"', totalBytes: 9, durableBytes: 9 };
    await writeTree(setup.dest, {
      [`${base}.part`]: a.bytes,
      [`${base}.json`]: JSON.stringify({ ...state, ...origin }),
    });
    expect((await run(setup)).outcomes).toEqual(['checked']);
    expect(await readdir(layoutOf(setup.dest).partial)).toEqual([]);
  });

  it.each([
    { name: 'of another length', content: 'my notes' },
    { name: 'of the same length', content: noise('mine', a.bytes.length) },
    { name: 'empty', content: '' },
  ])('#68 wrong, $name, and not ours: it stays as it is', async ({ content }) => {
    const { server, setup } = await setUp({ [FINAL]: content });
    const ran = await run({ ...setup, foreign: { [FINAL]: content } });
    expect(ran.outcomes).toEqual(['occupied']);
    expect(ran.exit).toBe(3);
    expect(server.requests).toEqual([]);
    expect(ran.result?.outcomes[0]?.error).toMatchObject({
      facts: { file: a.name, path: join(setup.dest, FINAL), kept: 'the file, unchanged' },
      next: nextSaying('`ccxri repair --file ChestDx-1` to keep what is good of it'),
    });
    await rm(join(setup.dest, FINAL));
    expect((await run(setup)).exit).toBe(0);
  });

  it('#68 a folder: it stays as it is', async () => {
    const { setup } = await setUp({ [`${FINAL}/notes.txt`]: 'mine' });
    const ran = await run({ ...setup, foreign: { [`${FINAL}/notes.txt`]: 'mine' } });
    expect(ran.outcomes).toEqual(['occupied']);
    expect(ran.exit).toBe(3);
  });

  it('a link to the right file elsewhere is adopted, and not touched', async () => {
    const { setup } = await setUp({ 'archives/x': '' });
    await rm(join(setup.dest, 'archives/x'));
    const elsewhere = join(setup.dest, '..', 'elsewhere.zip');
    await writeFile(elsewhere, a.bytes);
    await symlink(elsewhere, join(setup.dest, FINAL));
    expect((await run(setup)).outcomes).toEqual(['checked']);
  });

  it('a link that points nowhere is not written through', async () => {
    const { server, setup } = await setUp({ 'archives/x': '' });
    await rm(join(setup.dest, 'archives/x'));
    await symlink(join(setup.dest, '..', 'nothing'), join(setup.dest, FINAL));
    const ran = await run(setup);
    expect(ran.outcomes).toEqual(['occupied']);
    expect(server.requests).toEqual([]);
    expect(await listTree(join(setup.dest, '..'))).not.toContain('nothing');
  });

  it('#69 ours, and rotten since, not to be repaired: it is moved aside and downloaded again', async () => {
    const { server, setup } = await setUp();
    await run(setup);
    const rotten = Buffer.from(a.bytes);
    rotten.writeUInt8(rotten.readUInt8(5000) ^ 4, 5000);
    await writeFile(join(setup.dest, FINAL), rotten);
    const future = new Date(Date.now() + 60_000);
    await utimes(join(setup.dest, FINAL), future, future);
    const ran = await run({ ...setup, repair: false });
    expect(ran.outcomes).toEqual(['downloaded']);
    expect(server.requests).toHaveLength(2);
    const { bad } = layoutOf(setup.dest);
    expect(await readFile(join(bad, a.name))).toEqual(rotten);
    expect(JSON.parse(await readFile(join(bad, `${a.name}.json`), 'utf8'))).toMatchObject({
      expectedMd5: a.file['md5'],
      source: `${server.url}/{name}`,
    });
    expect(ran.events).toContainEqual(
      expect.objectContaining({ event: 'warning', file: a.name, message: saying('moved to') }),
    );
  });

  it.each(['right', 'wrong'])(
    'that appears during the download, %s: it is not overwritten',
    async (how) => {
      const content = how === 'right' ? a.bytes : noise('mine', a.bytes.length);
      const dest = destIn(await tempDir());
      const server = await serve(async (request, reply) => {
        await mkdir(join(dest, 'archives'), { recursive: true });
        await writeFile(join(dest, FINAL), content);
        await reply.send(honest(a.bytes, request));
      });
      const foreign = { [FINAL]: content };
      const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`], foreign });
      expect(ran.outcomes).toEqual([how === 'right' ? 'downloaded' : 'occupied']);
    },
  );
});

describe.skipIf(!canMount)('a disk', () => {
  it('#71 that fills up stops all files at once, and the next run goes on', async () => {
    const four = [1, 2, 3, 4].map((n) => sampleArchive(`ChestDx-${n}.zip`, { bytes: 600_000 }));
    const server = await serve((request, reply) => {
      const file = four.find(({ name }) => request.path.endsWith(name));
      return reply.send(honest(file?.bytes ?? Buffer.alloc(0), request));
    });
    const root = await mounts.small(1024 * 1024);
    const dest = join(root, 'cc-cxri');
    const setup = {
      dest,
      manifest: manifestOf(...four),
      sources: [`${server.url}/{name}`],
      confirmLowDisk: () => Promise.resolve(true),
    };
    const ran = await run(setup);
    expect(ran.exit).toBe(6);
    const failed = ran.outcomes.filter((outcome) => outcome === 'disk-full');
    expect(failed).toHaveLength(1);
    expect(new Set(ran.outcomes)).toContain('stopped');
    // No storm of new attempts at a disk that is full.
    expect(server.requests.length).toBeLessThanOrEqual(4);
    expect(ran.events.filter(({ event }) => event === 'retry')).toEqual([]);
    expect(ran.result?.outcomes.find(({ error }) => error)?.error?.next).toMatchObject([
      { kind: 'advice', text: saying('free about'), or: { kind: 'option', option: 'dest' } },
      { kind: 'again' },
    ]);
  });

  it('#73 that is too small is reported before anything is requested', async () => {
    const server = await serveIt();
    const root = await mounts.small(256 * 1024);
    const dest = join(root, 'cc-cxri');
    const setup = { dest, manifest, sources: [`${server.url}/{name}`], extract: true };
    const ran = await run(setup);
    expect(ran.error).toMatchObject({
      code: 'disk-space',
      message: saying(/needs about 411 KB, \d+ KB are free/),
      facts: { kept: saying('nothing was started') },
    });
    expect(ran.exit).toBe(6);
    expect(server.requests).toEqual([]);
    expect(await listTree(root)).not.toContain('cc-cxri');
    const asked: number[] = [];
    const forced = await run({
      ...setup,
      extract: false,
      confirmLowDisk: (plan) => {
        asked.push(plan.bytesNeededOnDisk);
        return Promise.resolve(true);
      },
    });
    expect(forced.exit).toBe(0);
    expect(asked).toEqual([]);
  });

  it.each(['archives', '.ccxri/partial', '.ccxri/ledger', ''])(
    '#77 that lets nobody write in "%s" is told before anything is asked for',
    async (folder) => {
      const { server, setup } = await setUp({ 'archives/x': '', '.ccxri/partial/x': '' });
      await rm(join(setup.dest, 'archives/x'));
      await writeTree(setup.dest, { '.ccxri/ledger/x': '' });
      // Seen through the mount: the whole, or a link in the place of the folder.
      const target = folder === '' ? join(setup.dest, '..') : join(setup.dest, folder);
      const path = await mounts.readOnly(target);
      const dest = folder === '' ? join(path, 'cc-cxri') : setup.dest;
      if (folder !== '') {
        await rm(target, { recursive: true });
        await symlink(path, target);
      }
      const ran = await run({ ...setup, dest });
      expect(ran.error).toMatchObject({ code: 'not-writable' });
      expect(ran.exit).toBe(6);
      expect(server.requests).toEqual([]);
    },
  );

  it('#78 with archives/ on another one is refused before anything is asked for', async () => {
    const { server, setup } = await setUp({ x: '' });
    await rm(join(setup.dest, 'x'));
    await symlink(await mounts.small(1024 * 1024), join(setup.dest, 'archives'));
    const ran = await run(setup);
    expect(ran.error).toMatchObject({
      code: 'not-writable',
      message: saying('another file system'),
      next: [{ kind: 'option', option: 'dest' }],
    });
    expect(server.requests).toEqual([]);
  });
});

describe('#92 an archive that is replaced between its check and its extraction', () => {
  it('is not extracted', async () => {
    const { setup } = await setUp();
    const dest = setup.dest;
    const ran = await run({
      ...setup,
      extract: true,
      foreign: { [FINAL]: b.bytes },
      onEvent: (event) => {
        if (event.event !== 'phase-done' || event.phase !== 'download') return;
        // Before the extraction can begin: the event is told in the same turn as the rename.
        writeFileSync(join(dest, FINAL), b.bytes);
        utimesSync(join(dest, FINAL), 1, 1);
      },
    });
    expect(ran.outcomes).toEqual(['changed']);
    expect(ran.exit).toBe(3);
    await expect(stat(join(dest, 'images', 'ChestDx-1'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

it('the checker itself sees what is wrong', async () => {
  const { setup } = await setUp({ [FINAL]: 'wrong', 'archives/.tmp123': '', stray: '' });
  await writeTree(setup.dest, { 'images/ChestDx-1/a.jpg': 'x', '.ccxri/lock': '' });
  await writeTree(setup.dest, { '.ccxri/stage/x.0123456789ab/a': '' });
  const found = await violations({ ...setup, foreign: { 'labels/mine': 'as it was' } });
  expect(found.join('\n')).toMatch(/I1: .*size[\s\S]*I2: [\s\S]*I6: [\s\S]*stray/);
  expect(found.length).toBeGreaterThanOrEqual(7);
});
