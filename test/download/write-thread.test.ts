import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { WriteThread, writeIn } from '../../src/download/writer.ts';
import { startWorker } from '../../src/threads/start-worker.ts';
import { useChildren } from '../support/children.ts';
import { randomBytes, sharedBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const children = useChildren('write-child.ts');
const threads: WriteThread[] = [];
const SLAB = 512 * 1024;
/** With less, no thread is asked. */
const LEAST = 128 * 1024;

afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.close()));
});

/** A thread, and a hand on the worker that it starts. */
function threadWith(start: () => Worker = startWriter, nowMs?: () => number) {
  const workers: Worker[] = [];
  const answers: string[] = [];
  const thread = new WriteThread(() => {
    const worker = start();
    worker.on('message', ({ kind }: { readonly kind: string }) => {
      answers.push(kind);
    });
    workers.push(worker);
    return worker;
  }, nowMs);
  threads.push(thread);
  return { thread, workers, answers, write: writeIn(thread) };
}

function startWriter(): Worker {
  return startWorker('write-worker', new URL('../../src/download/any.ts', import.meta.url).href);
}

async function openNew(): Promise<{ path: string; file: FileHandle }> {
  const path = join(await tempDir(), 'a.part');
  const file = await open(path, 'wx+');
  onTestFinished(() => file.close());
  return { path, file };
}

/** A thread that hears of tasks, and never does one. */
const IDLE = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', () => parentPort.postMessage({ kind: 'ready' }));`;

describe('a thread writes', () => {
  it('what many ask it for at once, each at its place', async () => {
    const { write, workers, answers } = threadWith(startWriter, () => 0);
    const files = await Promise.all([openNew(), openNew()]);
    const whole = [0, 1].map((n) => sharedBytes(6 * SLAB + 1000 * n, `file ${n}`));
    const writes = files.flatMap(({ file }, n) =>
      [4, 0, 2].map((slab) => {
        const end = slab === 4 ? Infinity : (slab + 2) * SLAB;
        const part = whole[n]!.subarray(slab * SLAB, end);
        return write(file, [part.subarray(0, SLAB), part.subarray(SLAB)], slab * SLAB);
      }),
    );
    await Promise.all(writes);
    for (const [n, { path }] of files.entries()) {
      expect((await readFile(path)).equals(whole[n]!)).toBe(true);
    }
    expect(workers).toHaveLength(1);
    expect(answers.filter((kind) => kind === 'done')).toHaveLength(6);
  });

  it('and tells what the disk says', async () => {
    const { write, answers } = threadWith(startWriter, () => 0);
    const file = await open('/dev/full', 'r+');
    onTestFinished(() => file.close());
    await expect(write(file, [sharedBytes(LEAST, 'full')], 0)).rejects.toMatchObject({
      code: 'ENOSPC',
    });
    // It goes on with others.
    const { path, file: next } = await openNew();
    const bytes = sharedBytes(LEAST, 'next');
    await write(next, [bytes], 0);
    expect((await readFile(path)).equals(bytes)).toBe(true);
    expect(answers).toEqual(['ready', 'failed', 'done']);
  });

  it.each([
    ['memory that is not shared', () => [randomBytes(LEAST, 'own')]],
    ['less than is worth it', () => [sharedBytes(LEAST - 1, 'less')]],
    ['nothing', () => []],
  ])('but not %s: that is written here', async (_, make) => {
    const { write, workers } = threadWith();
    const { path, file } = await openNew();
    const chunks = make();
    await write(file, chunks, 0);
    expect((await readFile(path)).equals(Buffer.concat(chunks))).toBe(true);
    expect(workers).toHaveLength(0);
  });

  it('but who finds it at one write for more than 10 ms goes past it', async () => {
    let nowMs = 5000;
    const idle = () => new Worker(IDLE, { eval: true });
    const { write, workers, thread } = threadWith(idle, () => nowMs);
    const { path, file } = await openNew();
    const bytes = sharedBytes(3 * LEAST, 'busy');
    const parts = [0, 1, 2].map((n) => bytes.subarray(n * LEAST, (n + 1) * LEAST));
    const first = write(file, [parts[0]!], 0);
    const heard = new Promise((resolve) => workers[0]?.once('message', resolve));
    nowMs += 10;
    const second = write(file, [parts[1]!], LEAST);
    nowMs += 1;
    await write(file, [parts[2]!], 2 * LEAST);
    const written = Buffer.alloc(3 * LEAST);
    parts[2]!.copy(written, 2 * LEAST);
    expect((await readFile(path)).equals(written)).toBe(true);
    await heard;
    const both = Promise.allSettled([first, second]);
    await thread.close();
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('and is asked again when it goes on', async () => {
    let nowMs = 5000;
    const { write, answers } = threadWith(startWriter, () => nowMs);
    const { path, file } = await openNew();
    const bytes = sharedBytes(3 * LEAST, 'again');
    for (const n of [0, 1, 2]) {
      await write(file, [bytes.subarray(n * LEAST, (n + 1) * LEAST)], n * LEAST);
      nowMs += 60_000;
    }
    expect((await readFile(path)).equals(bytes)).toBe(true);
    expect(answers).toEqual(['ready', 'done', 'done', 'done']);
  });
});

describe('where there is no thread, all is written all the same', () => {
  const nowhere = new URL('file:///nowhere/write-worker.js');
  it.each([
    ['its code is not there', () => new Worker(nowhere)],
    [
      'the system gives none',
      () => {
        throw Object.assign(new Error('no more'), { code: 'ERR_WORKER_INIT_FAILED' });
      },
    ],
  ])('because %s', async (_, startNone) => {
    let asked = 0;
    const { write } = threadWith(() => {
      asked += 1;
      return startNone();
    });
    const { path, file } = await openNew();
    const bytes = sharedBytes(3 * SLAB, 'alone');
    for (const at of [0, SLAB, 2 * SLAB]) await write(file, [bytes.subarray(at, at + SLAB)], at);
    expect((await readFile(path)).equals(bytes)).toBe(true);
    expect(asked).toBe(1);
  });

  it('because it was closed', async () => {
    const { write, thread, workers } = threadWith();
    const { path, file } = await openNew();
    const bytes = sharedBytes(LEAST, 'closed');
    await thread.close();
    await write(file, [bytes], 0);
    expect((await readFile(path)).equals(bytes)).toBe(true);
    expect(workers).toHaveLength(0);
  });
});

it('a thread that dies of a fault of its own says which', async () => {
  const code = `
    const { parentPort } = require('node:worker_threads');
    parentPort.postMessage({ kind: 'ready' });
    parentPort.on('message', () => { throw new RangeError('unreachable'); });`;
  const { write } = threadWith(() => new Worker(code, { eval: true }));
  const { file } = await openNew();
  await expect(write(file, [sharedBytes(LEAST, 'fault')], 0)).rejects.toMatchObject({
    message: 'the thread that writes has ended',
    cause: { message: 'unreachable' },
  });
});

it('when it is closed it is gone', async () => {
  const { write, thread, workers } = threadWith();
  const { file } = await openNew();
  await write(file, [sharedBytes(LEAST, 'left')], 0);
  expect(workers[0]?.threadId).toBeGreaterThan(0);
  await thread.close();
  expect(workers[0]?.threadId).toBe(-1);
});

it('a process lives until all is written, and no longer, also where its thread is left open', async () => {
  const path = join(await tempDir(), 'a.part');
  const child = await children.start([path, String(5 * SLAB)]);
  expect(await child.ended).toEqual({ code: 0, signal: null, stderr: '' });
  expect((await readFile(path)).equals(Buffer.alloc(5 * SLAB, 'abcdefg'))).toBe(true);
});
