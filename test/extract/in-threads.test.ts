import { appendFileSync, existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CcxriError, toErrorRecord } from '../../src/errors.ts';
import { cleanStage } from '../../src/extract/archive.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { useChildren } from '../support/children.ts';
import { hasStrace } from '../support/strace.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { useUnpackPools } from '../support/unpack-threads.ts';
import {
  ARCHIVE,
  MD5,
  type Place,
  contentsBelow,
  expectNothingLeft,
  filesBelow,
  placeArchive,
  unpack,
} from '../support/unpack.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const mounts = useMounts();
const poolOf = useUnpackPools();

/** Several shares, which take a while. */
const CONTENTS: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from({ length: 260 }, (_, i) => [
    `${i % 2 === 0 ? '' : 'sub/'}patient${i}_000.jpg`,
    randomBytes(9000 + i, `${i}`).toString('latin1'),
  ]),
);
const BYTES = Object.values(CONTENTS).reduce((bytes, { length }) => bytes + length, 0);
const ZIP = buildZip(
  Object.entries(CONTENTS).map(([name, content]) => ({
    name,
    content: Buffer.from(content, 'latin1'),
  })),
);

async function placed(bytes: Buffer = ZIP): Promise<Place> {
  return placeArchive(await tempDir(), bytes);
}

const children = useChildren('unpack-child.ts');

/** @param before a command that starts it */
function startUnpacking({ layout, archivePath }: Place, when: string, before?: readonly string[]) {
  return children.start([layout.root, archivePath, ARCHIVE, MD5, when, 'threads'], before);
}

describe('an archive that is unpacked in threads', () => {
  it('lies there whole, and reports progress from the first byte to the last', async () => {
    const place = await placed();
    const { pool: unpackPool, partsDone } = poolOf();
    const { result, events } = await unpack(place, { unpackPool });
    expect(result).toMatchObject({ members: 260, did: 'extracted' });
    expect(await contentsBelow(place.images)).toEqual(CONTENTS);
    expect(await readdir(place.layout.stage)).toEqual([]);
    expect(partsDone().length).toBe(2);
    const phase = { file: ARCHIVE, phase: 'extract' };
    expect(events[0]).toMatchObject({ event: 'phase-start', ...phase, totalBytes: BYTES });
    expect(events.at(-1)).toEqual({ event: 'phase-done', ...phase, bytes: BYTES, members: 260 });
  });

  it('and is damaged is refused in the same words, and nothing of it is left', async () => {
    const bytes = buildZip([
      ...Object.entries(CONTENTS).map(([name, content]) => ({ name, content })),
      { name: 'last.jpg', content: 'x', crc32: 1 },
    ]);
    const errorOf = async (options: Parameters<typeof unpack>[1]) => {
      const place = await placed(bytes);
      const { error } = await unpack(place, options);
      await expectNothingLeft(place);
      if (!(error instanceof CcxriError)) throw new Error('it is taken');
      return toErrorRecord(error);
    };
    const { pool: unpackPool, partsDone } = poolOf();
    expect(await errorOf({ unpackPool })).toEqual(await errorOf({}));
    expect(partsDone().length).toBe(2);
  });

  it('and changes meanwhile is not published', async () => {
    const place = await placed();
    const { error } = await unpack(place, {
      unpackPool: poolOf().pool,
      onEvent: ({ event }) => {
        if (event === 'phase-start') appendFileSync(place.archivePath, 'more');
      },
    });
    expect(error).toMatchObject({ code: 'changed' });
    await expectNothingLeft(place);
  });

  it('and is stopped leaves nothing', async () => {
    const place = await placed();
    const stop = new AbortController();
    const { pool: unpackPool } = poolOf();
    const { error } = await unpack(place, {
      ...{ unpackPool, signal: stop.signal },
      onEvent: ({ event }) => {
        if (event === 'progress') stop.abort();
      },
    });
    expect(error).toMatchObject({ code: 'aborted' });
    await expectNothingLeft(place);
    const { result } = await unpack(place, { unpackPool });
    expect(result).toMatchObject({ members: 260, did: 'extracted' });
  });

  it('and loses its folder (#82) says so, and makes no other', async () => {
    const place = await placed();
    const elsewhere = join(await tempDir(), 'state');
    const { error } = await unpack(place, {
      unpackPool: poolOf().pool,
      onEvent: ({ event }) => {
        if (event !== 'progress') return;
        if (existsSync(place.layout.state)) renameSync(place.layout.state, elsewhere);
      },
    });
    expect(error).toMatchObject({ code: 'disk-io' });
    expect(await filesBelow(place.layout.root)).toEqual([`archives/${ARCHIVE}`]);
  });

  it.skipIf(!canMount)(
    'and fills the disk (#71) leaves nothing, nothing open, and goes on later',
    async () => {
      const root = await mounts.small(8 * 1024 * 1024);
      const place = await placeArchive(root, ZIP);
      const filler = join(root, 'dataset/filler');
      const { pool: unpackPool } = poolOf();
      const before = readdirSync('/proc/self/fd').length;
      const { error } = await unpack(place, {
        unpackPool,
        onEvent: ({ event }) => {
          if (event === 'phase-start') writeFileSync(filler, Buffer.alloc(4_000_000));
        },
      });
      expect(error).toMatchObject({ code: 'disk-full' });
      if (!(error instanceof CcxriError)) throw new Error('unreachable');
      expect(error.facts.path).toMatch(/images\/.*\.jpg$/);
      expect(error.next[0]).toMatchObject({ kind: 'advice', text: 'free some space' });
      await rm(filler);
      await expectNothingLeft(place);
      expect((await unpack(place, { unpackPool })).result).toMatchObject({ members: 260 });
      await unpackPool.close();
      expect(readdirSync('/proc/self/fd').length).toBe(before);
    },
  );
});

describe('a process that unpacks in threads', () => {
  it('and dies at any moment leaves no half folder of images, and the next run ends right', async () => {
    const place = await placed();
    for (const files of ['1', '60', '100']) {
      const child = await startUnpacking(place, files);
      expect(await child.ended).toMatchObject({ signal: 'SIGKILL' });
      await expect(stat(place.images)).rejects.toMatchObject({ code: 'ENOENT' });
    }
    const stages = await readdir(place.layout.stage);
    expect(stages.filter((name) => !name.endsWith('.owner'))).toHaveLength(3);
    await cleanStage(place.layout);
    expect(await readdir(place.layout.stage)).toEqual([]);
    expect((await unpack(place, { unpackPool: poolOf().pool })).result).toMatchObject({
      members: 260,
    });
    expect(await contentsBelow(place.images)).toEqual(CONTENTS);
  });

  it.skipIf(!hasStrace)(
    'has flushed every image before its folder gets its name (#60)',
    async () => {
      const place = await placed();
      const { calls, code } = await traced(place, ['-e', 'trace=fdatasync,fsync,rename']);
      expect(code).toBe(0);
      const renamed = calls.findIndex((call) =>
        /rename\(.*\/images", ".*\/images\/ChestDx-1"/.test(call),
      );
      expect(renamed).toBeGreaterThan(0);
      const flushed = new Set(
        calls
          .slice(0, renamed)
          .flatMap((call) => /fdatasync\(\d+<.*\/images\/(.*\.jpg)>/.exec(call)?.[1] ?? []),
      );
      expect(flushed.size).toBe(260);
      const folders = calls
        .slice(0, renamed)
        .flatMap((call) => /fsync\(\d+<.*\/images(\/sub)?>/.exec(call)?.[0] ?? []);
      expect(folders).toHaveLength(2);
    },
  );

  it.skipIf(!hasStrace).each([
    ['fails', 'error=EIO', 'disk-io'],
    ['is said to have gone well, and has written nothing', 'retval=9050', 'disk-io'],
    ['has no room', 'error=ENOSPC', 'disk-full'],
  ])('where a write %s, says so, and leaves nothing', async (_, how, fault) => {
    const place = await placed();
    const { code, stderr } = await traced(place, [
      ...['-e', 'trace=pwrite64', '-e', `inject=pwrite64:${how}:when=30`],
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`code: '${fault}'`);
    await expect(stat(place.images)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readdir(place.layout.stage)).toEqual([]);
  });

  async function traced(place: Place, options: readonly string[]) {
    const log = join(place.around, 'trace');
    const before = ['env', 'UV_USE_IO_URING=0', 'strace', '-f', '-y', '-o', log, ...options];
    const { code, stderr } = await (await startUnpacking(place, 'never', before)).ended;
    const calls = (await readFile(log, 'utf8')).split('\n');
    await rm(log);
    return { calls, code, stderr };
  }
});
