import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import {
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cleanStage } from '../../src/extract/archive.ts';
import { ownIdentity } from '../../src/fs/process-identity.ts';
import { useChildren } from '../support/children.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { hasStrace } from '../support/strace.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import {
  ARCHIVE,
  CONTENTS,
  MD5,
  type Place,
  contentsBelow,
  expectNothingLeft,
  filesBelow,
  placeArchive,
  unpack,
  zipOf,
} from '../support/unpack.ts';

const tempDir = useTempDirs();
const mounts = useMounts();

async function placed(bytes: Buffer = zipOf(CONTENTS)): Promise<Place> {
  return placeArchive(await tempDir(), bytes);
}

const children = useChildren('unpack-child.ts');

/**
 * A process that unpacks, and dies when it is told to.
 * @param when so many files are there, or an event
 * @param before a command that starts it
 */
async function unpackElsewhere(
  { layout, archivePath }: Place,
  when: string,
  before?: readonly string[],
) {
  return (await children.start([layout.root, archivePath, ARCHIVE, MD5, when], before)).ended;
}

describe('an archive that changes (#92)', () => {
  it('after it has passed is not unpacked', async () => {
    const place = await placed();
    const { size, mtimeMs } = await stat(place.archivePath);
    const receipt = {
      name: ARCHIVE,
      md5: MD5,
      status: 'verified',
      checkedAt: '2026-01-02T03:04:05Z',
    } as const;
    await place.ledger.writeReceipt({ ...receipt, bytes: size + 1, mtimeMs });
    expect((await unpack(place)).error).toMatchObject({ code: 'changed' });
    await place.ledger.writeReceipt({ ...receipt, bytes: size, mtimeMs: mtimeMs - 10_000 });
    expect((await unpack(place)).error).toMatchObject({ code: 'changed' });
    await expect(stat(place.images)).rejects.toMatchObject({ code: 'ENOENT' });
    await place.ledger.writeReceipt({ ...receipt, bytes: size, mtimeMs });
    expect((await unpack(place)).result).toMatchObject({ members: 3, did: 'extracted' });
  });

  it('while it is read is not published', async () => {
    const place = await placed();
    const { error } = await unpack(place, {
      onEvent: ({ event }) => {
        if (event === 'phase-start') appendFileSync(place.archivePath, 'more');
      },
    });
    expect(error).toMatchObject({ code: 'changed' });
    expect(String(error)).toContain('changed while it was being read');
    await expectNothingLeft(place);
  });

  it('by another one under its name is read to its end: the file that was opened has passed', async () => {
    const place = await placed();
    const other = join(await tempDir(), 'other.zip');
    await writeFile(other, zipOf({ 'other.jpg': 'of the other' }));
    const found = join(place.layout.archives, 'moved.zip');
    let swapped = Promise.resolve();
    const { result } = await unpack(place, {
      onEvent: ({ event }) => {
        if (event === 'phase-start') {
          swapped = rename(place.archivePath, found).then(() => rename(other, place.archivePath));
        }
      },
    });
    await swapped;
    expect(result).toMatchObject({ members: 3, did: 'extracted' });
    expect(await contentsBelow(place.images)).toEqual(CONTENTS);
  });
});

describe('an extraction that does not come to its end', () => {
  const many = zipOf(
    Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [`patient${i}_000.jpg`, `image ${i}`]),
    ),
  );

  it('because it is stopped, leaves nothing', async () => {
    const place = await placed(many);
    const stop = new AbortController();
    const { error } = await unpack(place, {
      signal: stop.signal,
      onEvent: ({ event }) => {
        if (event === 'progress') stop.abort();
      },
    });
    expect(error).toMatchObject({ code: 'aborted' });
    await expectNothingLeft(place);
    expect((await unpack(place)).result).toMatchObject({ members: 300, did: 'extracted' });
  });

  it('because it was stopped before, begins nothing', async () => {
    const place = await placed();
    const { error } = await unpack(place, { signal: AbortSignal.abort() });
    expect(error).toMatchObject({ code: 'aborted' });
    await expectNothingLeft(place);
  });

  it('because its folder is gone (#82), says so, and makes no other', async () => {
    const place = await placed(many);
    const { error } = await unpack(place, {
      onEvent: ({ event }) => {
        if (event === 'progress') rmSync(place.layout.state, { recursive: true });
      },
    });
    expect(error).toMatchObject({ code: 'disk-io' });
    expect(await filesBelow(place.layout.root)).toEqual([`archives/${ARCHIVE}`]);
  });

  it.skipIf(!canMount)(
    'because the disk fills up (#71), leaves nothing, and goes on later',
    async () => {
      const root = await mounts.small(2 * 1024 * 1024);
      const contents = Object.fromEntries(
        Array.from({ length: 10 }, (_, i) => [`patient${i}_000.jpg`, `${i}`.repeat(100_000)]),
      );
      const place = await placeArchive(root, zipOf(contents));
      const filler = join(root, 'dataset/filler');
      const { error } = await unpack(place, {
        onEvent: ({ event }) => {
          if (event === 'phase-start') writeFileSync(filler, Buffer.alloc(1_500_000));
        },
      });
      expect(error).toMatchObject({ code: 'disk-full' });
      await rm(filler);
      await expectNothingLeft(place);
      expect((await unpack(place)).result).toMatchObject({ members: 10, did: 'extracted' });
    },
  );

  it.skipIf(!canMount)('because the disk is too small, is not begun', async () => {
    const root = await mounts.small(1024 * 1024);
    const place = await placeArchive(root, zipOf({ 'a.jpg': 'x'.repeat(2_000_000) }));
    const { error, events } = await unpack(place);
    expect(error).toMatchObject({ code: 'disk-space', facts: { expected: '2 MB' } });
    expect(events).toEqual([]);
    await expectNothingLeft(place);
  });

  it('because another run was faster, takes its images for its own', async () => {
    const place = await placed();
    const inner: { result?: unknown } = {};
    const { result } = await unpack(place, {
      onEvent: ({ event }) => {
        if (event === 'phase-start' && inner.result === undefined) inner.result = unpack(place);
      },
    });
    const other = (await inner.result) as Awaited<ReturnType<typeof unpack>>;
    expect([result?.did, other.result?.did].sort()).toEqual(['extracted', 'skipped']);
    expect(await contentsBelow(place.images)).toEqual(CONTENTS);
    expect(await readdir(place.layout.stage)).toEqual([]);
  });

  it('because somebody else’s folder has appeared, leaves that alone', async () => {
    const place = await placed();
    let wrote = Promise.resolve();
    const { error } = await unpack(place, {
      onEvent: ({ event }) => {
        if (event === 'phase-start') wrote = writeTree(place.images, { 'mine.txt': 'mine' });
      },
    });
    await wrote;
    expect(error).toMatchObject({ code: 'occupied' });
    expect(await contentsBelow(place.images)).toEqual({ 'mine.txt': 'mine' });
    expect(await readdir(place.layout.stage)).toEqual([]);
  });
});

describe('images/ on another disk', () => {
  it('gets the images by a rename all the same, and nothing else stays there', async (context) => {
    const other = await mkdtemp('/dev/shm/ccxri-').catch(() => undefined);
    if (other === undefined) return context.skip();
    onTestFinished(() => rm(other, { recursive: true }));
    const place = await placed();
    if ((await stat(other)).dev === (await stat(place.around)).dev) {
      console.warn('skipped: /dev/shm is no disk of its own here');
      return context.skip();
    }
    await symlink(other, place.layout.images);
    expect((await unpack(place)).result).toMatchObject({ members: 3, did: 'extracted' });
    expect(await readdir(other)).toEqual(['ChestDx-1']);
    expect(await contentsBelow(join(other, 'ChestDx-1'))).toEqual(CONTENTS);
  });
});

it.skipIf(!hasStrace)('every image is flushed before its folder gets its name (#60)', async () => {
  const contents = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [`sub${i % 3}/patient${i}_000.jpg`, `image ${i}`]),
  );
  const place = await placed(zipOf({ ...contents, 'patient0_000.jpg': '' }));
  const log = join(place.around, 'trace');
  const strace = ['strace', '-f', '-y', '-o', log, '-e', 'trace=fdatasync,fsync,rename'];
  const ended = await unpackElsewhere(place, 'never', ['env', 'UV_USE_IO_URING=0', ...strace]);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  const calls = (await readFile(log, 'utf8')).split('\n');
  const renamed = calls.findIndex((call) =>
    /rename\(.*\/images", ".*\/images\/ChestDx-1"/.test(call),
  );
  expect(renamed).toBeGreaterThan(0);
  const flushedBefore = (pattern: RegExp) =>
    new Set(calls.slice(0, renamed).flatMap((call) => pattern.exec(call)?.[1] ?? []));
  expect(flushedBefore(/fdatasync\(\d+<.*\/images\/(.*\.jpg)>/).size).toBe(31);
  // The folders themselves, and the ledger's record of it all.
  expect([...flushedBefore(/fsync\(\d+<.*\/images(\/sub\d)?>/)].sort()).toEqual([
    '/sub0',
    '/sub1',
    '/sub2',
  ]);
  expect(calls.slice(0, renamed).some((call) => /rename\(.*members\.json"/.test(call))).toBe(true);
  expect(calls.slice(renamed).some((call) => /fsync\(\d+<.*dataset\/images>/.test(call))).toBe(
    true,
  );
});

describe('what a run that has died leaves (#133)', () => {
  const dead = { pid: 2 ** 22 + 1, host: hostname(), startToken: 'gone:0:0' };
  const LONG_AGO = new Date(Date.now() - 48 * 60 * 60 * 1000);

  async function leaveStage(
    { layout }: Place,
    name: string,
    holder?: Awaited<ReturnType<typeof ownIdentity>>,
  ): Promise<string> {
    const path = join(layout.stage, name);
    await writeTree(path, { 'images/patient1_000.jpg': 'half' });
    const since = '2026-01-02T03:04:05Z';
    const mark = JSON.stringify({ lockVersion: 1, holder, token: 't', since });
    if (holder !== undefined) await writeFile(`${path}.owner`, mark);
    return path;
  }

  it('is removed; what a living one works in, and what is not ours, stays', async () => {
    const place = await placed();
    await leaveStage(place, 'ChestDx-1.00000000000a', dead);
    await leaveStage(place, 'ChestDx-2.00000000000b', await ownIdentity());
    await leaveStage(place, 'ChestDx-3.00000000000c', { ...dead, host: 'another-host' });
    await leaveStage(place, 'ChestDx-4.00000000000d');
    await leaveStage(place, 'not-a-stage', dead);
    const old = await leaveStage(place, 'ChestDx-5.00000000000e');
    await utimes(old, LONG_AGO, LONG_AGO);
    const forgotten = await leaveStage(place, 'ChestDx-6.00000000000f', {
      ...dead,
      host: 'another-host',
    });
    await utimes(join(forgotten, 'images'), LONG_AGO, LONG_AGO);
    await writeFile(place.layout.lock, '');
    await cleanStage(place.layout);
    expect((await readdir(place.layout.stage)).sort()).toEqual([
      'ChestDx-2.00000000000b',
      'ChestDx-2.00000000000b.owner',
      'ChestDx-3.00000000000c',
      'ChestDx-3.00000000000c.owner',
      'ChestDx-4.00000000000d',
      'not-a-stage',
      'not-a-stage.owner',
    ]);
  });

  it.each([-24, 24])('is as old as its disk says, whose clock is %d hours off', async (hours) => {
    const place = await placed();
    const diskNow = Date.now() + hours * 60 * 60 * 1000;
    const setAge = (path: string, seconds: number) =>
      utimes(path, diskNow / 1000 - seconds, diskNow / 1000 - seconds);
    await setAge(await leaveStage(place, 'ChestDx-1.00000000000a'), 30);
    await setAge(await leaveStage(place, 'ChestDx-2.00000000000b'), 90);
    await cleanStage(place.layout);
    expect(await readdir(place.layout.stage), 'without a lock').toHaveLength(2);
    await writeFile(place.layout.lock, '');
    await setAge(place.layout.lock, 0);
    await cleanStage(place.layout);
    expect(await readdir(place.layout.stage)).toEqual(['ChestDx-1.00000000000a']);
  });

  it('is removed without following links', async () => {
    const place = await placed();
    const outside = await tempDir();
    await writeFile(join(outside, 'mine'), 'mine');
    const path = await leaveStage(place, 'ChestDx-1.00000000000a', dead);
    await symlink(outside, join(path, 'link'));
    await symlink(outside, join(place.layout.stage, 'ChestDx-2.00000000000b'));
    await cleanStage(place.layout);
    expect(await readdir(place.layout.stage)).toEqual(['ChestDx-2.00000000000b']);
    expect(await readdir(outside)).toEqual(['mine']);
  });

  it('is nothing where nothing was begun', async () => {
    const place = await placed();
    await cleanStage(place.layout);
    expect(await filesBelow(place.around)).toEqual([`dataset/archives/${ARCHIVE}`]);
  });

  it('at any moment is no half folder of images, and the next run ends right', async () => {
    const contents = Object.fromEntries(
      Array.from({ length: 400 }, (_, i) => [`patient${i}_000.jpg`, `image ${i} `.repeat(200)]),
    );
    const place = await placed(zipOf(contents));
    for (const files of ['1', '50', '150', '250']) {
      expect(await unpackElsewhere(place, files)).toMatchObject({ signal: 'SIGKILL' });
      await expect(stat(place.images)).rejects.toMatchObject({ code: 'ENOENT' });
    }
    const stages = await readdir(place.layout.stage);
    expect(stages.filter((name) => !name.endsWith('.owner'))).toHaveLength(4);
    await cleanStage(place.layout);
    expect(await readdir(place.layout.stage)).toEqual([]);
    expect((await unpack(place)).result).toMatchObject({ members: 400 });
    expect(await contentsBelow(place.images)).toEqual(contents);
  });

  it('after the rename is whole, and known', async () => {
    const place = await placed();
    expect(await unpackElsewhere(place, 'phase-done')).toMatchObject({ signal: 'SIGKILL' });
    expect(await contentsBelow(place.images)).toEqual(CONTENTS);
    await cleanStage(place.layout);
    expect((await unpack(place)).result).toMatchObject({ members: 3, did: 'skipped' });
    expect(await readdir(place.layout.stage)).toEqual([]);
  });
});
