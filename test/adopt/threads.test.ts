import { lstat, readdir, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { TakePool } from '../../src/adopt/take-pool.ts';
import type { TakeItem } from '../../src/adopt/take-task.ts';
import { CcxriError } from '../../src/errors.ts';
import type { RunEvent } from '../../src/events.ts';
import { startWorker } from '../../src/threads/worker.ts';
import { adopt, bytesOf, keepIndexes, makeRelease, zipOf } from '../support/adopting.ts';
import { manifestOf, noise, toSample } from '../support/fetching.ts';
import { extraResources } from '../support/resources.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';
import { threadThat } from '../support/unpack-threads.ts';

const tempDir = useTempDirs();
/** Enough for threads. */
const COUNT = 300;
const images = Object.fromEntries(
  Array.from({ length: COUNT }, (_, n) => {
    const content = likeJpeg(noise(`${n}`, 600 + n));
    return [`patient${n}_000.jpg`, content];
  }),
);

let [held, into] = ['', ''];
let items: readonly TakeItem[] = [];
beforeEach(async () => {
  [held, into] = [await tempDir(), await tempDir()];
  await writeTree(held, images);
  items = Object.entries(images).map(([name, content]): TakeItem => ({
    from: join(held, name),
    to: join(into, name),
    bytes: content.length,
    crc32: crc32(content),
    mayLink: true,
  }));
});

function poolOf(start?: () => Worker) {
  const workers: Worker[] = [];
  const pool = new TakePool({
    threads: 2,
    startWorker: () => {
      const at = new URL('../../src/adopt/any.ts', import.meta.url).href;
      const worker = start?.() ?? startWorker('take-worker', at);
      workers.push(worker);
      return worker;
    },
  });
  return { pool, workers };
}

/** A thread that has ended has no id any more. */
const ids = (workers: readonly Worker[]) => workers.map(({ threadId }) => threadId);

describe('the threads that take images', () => {
  it('take all of them in their order, tell the bytes, and end with the pool', async () => {
    const { pool, workers } = poolOf();
    let bytes = 0;
    const onBytes = (more: number) => (bytes += more);
    const { signal } = new AbortController();
    const taken = await pool.take(items, { signal, onBytes });
    expect(taken.map(({ kind }) => kind)).toEqual(items.map(() => 'taken'));
    expect(taken.map((one) => one.kind === 'taken' && one.crc32)).toEqual(
      items.map((item) => item.crc32),
    );
    expect(bytes).toBe(items.reduce((sum, item) => sum + (item.bytes ?? 0), 0));
    expect(await readdir(into)).toHaveLength(COUNT);
    expect(workers).toHaveLength(2);
    await pool.close();
    expect(ids(workers)).toEqual([-1, -1]);
  });

  it('are started before the first images for many, and not for few', async () => {
    const { pool, workers } = poolOf();
    pool.prepare(20);
    expect(workers).toEqual([]);
    pool.prepare(COUNT);
    expect(workers).toHaveLength(2);
    const { signal } = new AbortController();
    const taken = await pool.take(items, { signal, onBytes: () => undefined });
    expect(taken.filter(({ kind }) => kind === 'taken')).toHaveLength(COUNT);
    expect(workers).toHaveLength(2);
    await pool.close();
    expect(ids(workers)).toEqual([-1, -1]);
  });

  it('that were prepared and are not needed end with the pool', async () => {
    const { pool, workers } = poolOf();
    pool.prepare(COUNT);
    await pool.close();
    expect(ids(workers)).toEqual([-1, -1]);
  });

  it('take what a link leads to, and not the link', async () => {
    const { pool } = poolOf();
    const links = await tempDir();
    const throughLinks = await Promise.all(
      items.map(async (item) => {
        const from = join(links, basename(item.from));
        await symlink(join('..', basename(held), basename(item.from)), from);
        return { ...item, from };
      }),
    );
    const { signal } = new AbortController();
    const taken = await pool.take(throughLinks, { signal, onBytes: () => undefined });
    await pool.close();
    expect(taken.filter(({ kind }) => kind === 'taken')).toHaveLength(COUNT);
    for (const { from, to } of items) {
      const [image, target] = await Promise.all([lstat(to ?? ''), lstat(from)]);
      expect(image.isFile()).toBe(true);
      expect(image.ino).toBe(target.ino);
    }
  });

  it('end when the run is stopped, with `aborted`', async () => {
    const { pool, workers } = poolOf();
    const stop = new AbortController();
    const taking = pool.take(items, { signal: stop.signal, onBytes: () => stop.abort() });
    await expect(taking).rejects.toMatchObject({ code: 'aborted' });
    await pool.close();
    expect(ids(workers)).toEqual([-1, -1]);
  });

  it('that can not be started are not needed: the caller does their work', async () => {
    const { pool } = poolOf(() => {
      throw Object.assign(new Error('no thread'), { code: 'ERR_WORKER_INIT_FAILED' });
    });
    const { signal } = new AbortController();
    const taken = await pool.take(items, { signal, onBytes: () => undefined });
    expect(taken.filter(({ kind }) => kind === 'taken')).toHaveLength(COUNT);
    await pool.close();
  });

  it('that die under way are an error, and the others end', async () => {
    const { pool, workers } = poolOf(() => threadThat('process.exit(7)'));
    const { signal } = new AbortController();
    await expect(pool.take(items, { signal, onBytes: () => undefined })).rejects.toThrow();
    await pool.close();
    expect(ids(workers).every((id) => id === -1)).toBe(true);
  });
});

describe('an adoption of that many', () => {
  const facts = { kind: 'archive', category: 'x', subsets: ['chestdx'] };
  const sample = toSample('ChestDx-1.zip', zipOf(images), facts);
  const manifest = manifestOf(sample);
  const release = { ...makeRelease(), manifest, samples: new Map([['ChestDx-1', sample]]) };

  const run = async (onEvent?: (event: RunEvent, stop: AbortController) => void) => {
    const dest = join(await tempDir(), 'set');
    await keepIndexes(release, dest);
    const stop = new AbortController();
    const { signal } = stop;
    await turn();
    const before = process.getActiveResourcesInfo();
    const ending = await adopt({
      ...{ paths: [held], dest, manifest, signal },
      onEvent: (event) => onEvent?.(event, stop),
    }).catch((error: unknown) => (error instanceof CcxriError ? error.code : String(error)));
    // The request that has woken us up is still counted.
    await turn();
    return { dest, ending, extra: extraResources(before) };
  };

  it('leaves no thread behind when it is done', async () => {
    const { ending, extra } = await run();
    expect(ending).toMatchObject({ images: [{ crcChecked: COUNT }] });
    expect(extra).toEqual([]);
  });

  it('leaves none when it is stopped, and nothing under a final name', async () => {
    const { dest, ending, extra } = await run((event, stop) => {
      if (event.event === 'phase-start' && event.phase === 'check') stop.abort();
    });
    expect([ending, extra]).toEqual(['aborted', []]);
    expect(await listTree(join(dest, 'images'))).toEqual([]);
    expect(await listTree(join(dest, '.ccxri/stage'))).toEqual([]);
    expect(await listTree(held)).toHaveLength(COUNT);
  });

  it('is stopped between two files while it looks around', async () => {
    const zip = bytesOf(release, 'ChestDx-1');
    await writeFile(join(held, 'x.zip'), zip);
    const { dest, ending, extra } = await run((event, stop) => {
      if (event.event === 'looked') stop.abort();
    });
    expect([ending, extra]).toEqual(['aborted', []]);
    expect(await listTree(dest)).not.toContain('archives/ChestDx-1.zip');
  });
});
