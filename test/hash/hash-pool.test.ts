import { type FileHandle, open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { hashFile } from '../../src/hash/hash-file.ts';
import { HashPool, nextThread } from '../../src/hash/hash-pool.ts';
import { SPAN_BYTES } from '../../src/hash/kernel.ts';
import { createRandom } from '../../scripts/release/random.ts';
import { startWorker } from '../../src/threads/worker.ts';
import { useChildren } from '../support/children.ts';
import { md5Of, randomBytes } from '../support/random-bytes.ts';
import { extraResources } from '../support/resources.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const children = useChildren('hash-child.ts');
const pools: HashPool[] = [];
const handles: FileHandle[] = [];

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  await Promise.all(handles.splice(0).map((handle) => handle.close()));
});

function poolOf(...options: ConstructorParameters<typeof HashPool>): HashPool {
  const pool = new HashPool(...options);
  pools.push(pool);
  return pool;
}

/** A pool of real threads, and its workers. */
function poolWithThreads(threads: number) {
  const workers: Worker[] = [];
  const pool = poolOf({
    threads,
    startWorker: () => {
      const worker = startWorker(
        'hash-worker',
        new URL('../../src/hash/x.ts', import.meta.url).href,
      );
      workers.push(worker);
      return worker;
    },
  });
  return { pool, workers };
}

async function fileOf(bytes: Uint8Array): Promise<string> {
  const path = join(await tempDir(), 'a.zip');
  await writeFile(path, bytes);
  return path;
}

/** Zeros that take no room: long enough to be in the middle of them. */
async function longFile(): Promise<string> {
  const path = await fileOf(new Uint8Array());
  await truncate(path, 8 * 2 ** 30);
  return path;
}

async function openRead(path: string): Promise<FileHandle> {
  const handle = await open(path, 'r');
  handles.push(handle);
  return handle;
}

describe('files at once, in two threads', () => {
  it.each([1, 2, 3, 5, 8, 16])(
    '%i of different lengths, begun at different times',
    async (count) => {
      const { pool } = poolWithThreads(2);
      const random = createRandom(`files ${count}`);
      const edges = [0, -1, 1, -64, -65, -9, 8].map((step) => 2 * SPAN_BYTES + step);
      const files = Array.from({ length: count }, (_, at) =>
        randomBytes(edges[at] ?? random.int(4 * SPAN_BYTES), `of ${count}, file ${at}`),
      );
      const hashes = files.map(async (bytes, at) => {
        const path = await fileOf(bytes);
        for (let wait = random.int(20); wait > 0; wait -= 1) await turn();
        const reported: number[] = [];
        const hashed = await hashFile(path, { pool, onBytes: (done) => reported.push(done) });
        expect(reported, `file ${at}`).toEqual([...reported].sort((a, b) => a - b));
        expect(reported.at(-1)).toBe(bytes.length);
        const { md5, bytes: length } = hashed;
        return { md5, bytes: length };
      });
      expect(await Promise.all(hashes)).toEqual(
        files.map((bytes) => ({ md5: md5Of(bytes), bytes: bytes.length })),
      );
    },
  );

  it('followed behind their writers, each at its own pace', async () => {
    const { pool, workers } = poolWithThreads(2);
    const write = async (at: number) => {
      const random = createRandom(`writer ${at}`);
      const bytes = randomBytes(3 * SPAN_BYTES + random.int(5 * SPAN_BYTES), `growing ${at}`);
      const handle = await open(join(await tempDir(), 'a.part'), 'wx+');
      handles.push(handle);
      const follower = pool.follow(handle);
      for (let done = 0; done < bytes.length;) {
        const step = Math.min(1 + random.int(300_000), bytes.length - done);
        await handle.write(bytes, done, step, done);
        done += step;
        follower.advance(done);
        if (random.int(4) === 0) await follower.catchUp(random.int(3 * SPAN_BYTES));
        for (let wait = random.int(3 * (at % 3)); wait > 0; wait -= 1) await turn();
      }
      const md5 = await follower.finish();
      expect(follower.lagBytes).toBe(0);
      return { md5, expected: md5Of(bytes) };
    };
    const all = await Promise.all(Array.from({ length: 11 }, (_, at) => write(at)));
    expect(all.map(({ md5 }) => md5)).toEqual(all.map(({ expected }) => expected));
    expect(workers).toHaveLength(2);
  });
});

describe('small files', () => {
  it('are not worth a thread', async () => {
    const { pool, workers } = poolWithThreads(2);
    const bytes = randomBytes(SPAN_BYTES - 1, 'small');
    const path = await fileOf(bytes);
    expect((await hashFile(path, { pool })).md5).toBe(md5Of(bytes));
    const handle = await open(path, 'r');
    handles.push(handle);
    const follower = pool.follow(handle);
    follower.advance(100);
    await follower.catchUp(0);
    follower.advance(bytes.length);
    expect(await follower.finish()).toBe(md5Of(bytes));
    expect(workers).toEqual([]);
  });
});

describe('a listener that throws', () => {
  it.each([
    ['at the first progress', 8 * 2 ** 30],
    ['at the last', 2 * SPAN_BYTES],
  ])('%s: the hash fails with its error, and other files do not', async (_, length) => {
    const pool = poolOf({ threads: 1 });
    const path = await longFile();
    await truncate(path, length);
    const onBytes = () => {
      throw new Error('listener failed');
    };
    await expect(hashFile(path, { pool, onBytes })).rejects.toThrow('listener failed');
    expect((await hashFile(await fileOf(new Uint8Array(SPAN_BYTES)), { pool })).md5).toBe(
      md5Of(new Uint8Array(SPAN_BYTES)),
    );
  });
});

describe('a stop', () => {
  it('ends the hash of a file in a moment, and lets go of it', async () => {
    const pool = poolOf({ threads: 1 });
    const stop = new AbortController();
    const path = await longFile();
    const hashing = hashFile(path, { pool, signal: stop.signal, onBytes: () => stop.abort() });
    await expect(hashing).rejects.toMatchObject({ code: 'aborted' });
    // The thread is free for others, and only that file was dropped.
    const bytes = randomBytes(2 * SPAN_BYTES, 'after');
    expect((await hashFile(await fileOf(bytes), { pool })).md5).toBe(md5Of(bytes));
  });

  it('by closing the pool fails what is under way, ends the threads, and starts none again', async () => {
    const before = process.getActiveResourcesInfo();
    const { pool, workers } = poolWithThreads(2);
    const followers = await Promise.all(
      Array.from({ length: 6 }, async () => pool.follow(await openRead(await longFile()))),
    );
    const ends = followers.map(async (follower) => {
      follower.advance(8 * 2 ** 30);
      await expect(follower.finish()).rejects.toThrow('the hash thread was closed');
    });
    await pool.close();
    await Promise.all(ends);
    expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1]);
    const bytes = randomBytes(2 * SPAN_BYTES, 'closed');
    expect((await hashFile(await fileOf(bytes), { pool })).md5).toBe(md5Of(bytes));
    expect(workers).toHaveLength(2);
    await pool.close();
    // What the last calls have left is gone a turn later.
    await turn();
    expect(extraResources(before)).toEqual([]);
  });
});

describe('a thread that dies', () => {
  it('fails the files it had; the next file gets a new one', async () => {
    const { pool, workers } = poolWithThreads(1);
    const follower = pool.follow(await openRead(await longFile()));
    follower.advance(8 * 2 ** 30);
    await follower.catchUp(8 * 2 ** 30 - SPAN_BYTES);
    await workers[0]?.terminate();
    await expect(follower.finish()).rejects.toThrow('the hash thread exited unexpectedly');
    await follower.stop();
    const bytes = randomBytes(2 * SPAN_BYTES, 'next');
    expect((await hashFile(await fileOf(bytes), { pool })).md5).toBe(md5Of(bytes));
    expect(workers).toHaveLength(2);
  });

  it('of a fault of its own says which', async () => {
    const code = `
      const { parentPort } = require('node:worker_threads');
      parentPort.postMessage({ kind: 'ready' });
      parentPort.on('message', () => { throw new RangeError('unreachable'); });`;
    const pool = poolOf({ threads: 1, startWorker: () => new Worker(code, { eval: true }) });
    const path = await fileOf(randomBytes(SPAN_BYTES, 'fault'));
    await expect(hashFile(path, { pool })).rejects.toMatchObject({
      message: 'the hash thread exited unexpectedly',
      cause: { message: 'unreachable' },
    });
  });
});

describe('where no thread can be started, files are hashed all the same', () => {
  const nowhere = new URL('file:///nowhere/hash-worker.js');
  it.each([
    ['its code is not there', () => new Worker(nowhere)],
    [
      'the system gives none',
      () => {
        throw Object.assign(new Error('no more'), { code: 'ERR_WORKER_INIT_FAILED' });
      },
    ],
  ])('%s', async (_, startNone) => {
    let asked = 0;
    const pool = poolOf({
      startWorker: () => {
        asked += 1;
        return startNone();
      },
    });
    const bytes = randomBytes(3 * SPAN_BYTES + 5, 'alone');
    const path = await fileOf(bytes);
    expect((await hashFile(path, { pool })).md5).toBe(md5Of(bytes));
    const handle = await open(path, 'r');
    handles.push(handle);
    const follower = pool.follow(handle);
    follower.advance(2 * SPAN_BYTES);
    await follower.catchUp(0);
    expect(follower.lagBytes).toBe(0);
    follower.advance(bytes.length);
    expect(await follower.finish()).toBe(md5Of(bytes));
    expect(asked).toBe(1);
  });

  it('also where that is found while a writer is followed', async () => {
    const pool = poolOf({ startWorker: () => new Worker(nowhere) });
    const bytes = randomBytes(3 * SPAN_BYTES + 5, 'followed');
    const handle = await open(await fileOf(bytes), 'r');
    handles.push(handle);
    const follower = pool.follow(handle);
    follower.advance(SPAN_BYTES);
    follower.advance(bytes.length);
    await follower.catchUp(0);
    await follower.catchUp(0);
    expect(await follower.finish()).toBe(md5Of(bytes));
  });
});

describe('a process', () => {
  it('lives until its files are hashed, and no longer, also where its pool is left open', async () => {
    const files = [2, 3].map((spans) => randomBytes(spans * SPAN_BYTES, `child ${spans}`));
    const paths = await Promise.all(files.map(fileOf));
    const child = await children.start(['open', ...paths]);
    for (const bytes of files) expect(await child.nextLine()).toBe(md5Of(bytes));
    expect(await child.nextLine()).toBe('done');
    expect(await child.ended).toEqual({ code: 0, signal: null, stderr: '' });
  });

  it('that closes its pool in the middle gets an error, and ends', async () => {
    const child = await children.start(['closed', await longFile(), await longFile()]);
    for (let file = 0; file < 2; file += 1) {
      expect(await child.nextLine()).toBe('the hash thread was closed');
    }
    expect(await child.nextLine()).toBe('done');
    expect(await child.ended).toEqual({ code: 0, signal: null, stderr: '' });
  });

  it('of a host in FIPS mode, where node:crypto refuses MD5, has it all the same', async () => {
    const files = [SPAN_BYTES, 5, 2 * SPAN_BYTES + 1].map((length) => randomBytes(length, 'fips'));
    const child = await children.start(['fips', ...(await Promise.all(files.map(fileOf)))]);
    for (const bytes of files) expect(await child.nextLine()).toBe(md5Of(bytes));
    expect(await child.nextLine()).toBe('done');
    expect(await child.ended).toMatchObject({ code: 0 });
  });

  it('without WebAssembly hashes with node:crypto', async () => {
    const bytes = randomBytes(2 * SPAN_BYTES, 'jitless');
    const args = ['open', await fileOf(bytes)];
    const child = await children.start(args, ['env', 'NODE_OPTIONS=--jitless']);
    expect(await child.nextLine()).toBe(md5Of(bytes));
    expect(await child.ended).toMatchObject({ code: 0 });
  });
});

describe('the thread that takes the next file', () => {
  it.each([
    ['is the first, while none has one', [0, 0], 0],
    ['is the first, until a vector of it is full', [3, 0], 0],
    ['is one without files then', [4, 0], 1],
    ['is one that has room, before one without files', [4, 2, 0, 0], 1],
    ['is the one that has the fewest, when all are full', [6, 5], 1],
    ['is the only one, however many it has', [20], 0],
  ])('%s', (_, loads, next) => {
    expect(nextThread(loads)).toBe(next);
  });
});
