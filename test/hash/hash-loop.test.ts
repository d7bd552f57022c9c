import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { HashLoop, type StreamProgress, nextStreams } from '../../src/hash/hash-loop.ts';
import type { HashTypes } from '../../src/hash/hash-pool.ts';
import { SPAN_BYTES } from '../../src/hash/kernel.ts';
import { LANES } from '../../src/threads/budget.ts';
import type { CallControls } from '../../src/threads/serve.ts';
import { md5Of, randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const handles: FileHandle[] = [];

afterEach(async () => {
  await Promise.all(handles.splice(0).map((handle) => handle.close()));
});

async function openWith(bytes: Uint8Array): Promise<number> {
  const path = join(await tempDir(), 'a.zip');
  await writeFile(path, bytes);
  const handle = await open(path, 'r');
  handles.push(handle);
  return handle.fd;
}

type Posted =
  | { readonly kind: 'progress'; readonly id: number; readonly hashedBytes: number }
  | { readonly kind: 'done'; readonly id: number; readonly md5: string | null }
  | { readonly kind: 'stopped'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: unknown };

function startLoop() {
  const posted: Posted[] = [];
  const loop = new HashLoop();
  const calls = new Map<number, CallControls<HashTypes>>();
  return {
    posted,
    /** What the clock does not decide. */
    ends: () => posted.filter(({ kind }) => kind !== 'progress'),
    start: (id: number, fd: number) => {
      const end = (message: Posted) => {
        calls.delete(id);
        posted.push(message);
      };
      const call = loop.begin(fd, {
        isStopped: false,
        progress: (hashedBytes) => void posted.push({ kind: 'progress', id, hashedBytes }),
        done: (md5) => end({ kind: 'done', id, md5 }),
        stopped: () => end({ kind: 'stopped', id }),
        fail: (error) => end({ kind: 'failed', id, error }),
      });
      calls.set(id, call);
    },
    advance: (id: number, writtenBytes: number, isLast = false, notifyAtBytes = Infinity) =>
      calls.get(id)?.update({ writtenBytes, isLast, notifyAtBytes }),
    stop: (id: number) => calls.get(id)?.stop(),
    /** Lets it work until it has nothing to do. */
    settle: async () => {
      for (let round = 0; round < 200; round += 1) await turn();
    },
  };
}

it('hashes more files than there are lanes, each to its own end', async () => {
  const lengths = [0, 1, 64, 1000, SPAN_BYTES - 1, SPAN_BYTES, SPAN_BYTES + 1, 3 * SPAN_BYTES];
  const files = [...lengths, ...lengths, ...lengths].map((length, at) =>
    randomBytes(length + (at >= 8 ? at : 0), `file ${at}`),
  );
  const { posted, start, advance, settle } = startLoop();
  for (const [id, bytes] of files.entries()) {
    start(id, await openWith(bytes));
    advance(id, bytes.length, true);
  }
  await settle();
  const done = posted.flatMap((message) => (message.kind === 'done' ? [message] : []));
  expect(done.sort((a, b) => a.id - b.id).map(({ md5 }) => md5)).toEqual(files.map(md5Of));
});

it('does not read a file after a stop, and reports it', async () => {
  const { ends, start, advance, stop, settle } = startLoop();
  start(1, await openWith(randomBytes(3 * SPAN_BYTES, 'stop')));
  advance(1, 3 * SPAN_BYTES, true);
  await turn();
  stop(1);
  // Reading a closed file would be reported as EBADF.
  await handles.pop()?.close();
  await settle();
  advance(1, 3 * SPAN_BYTES, true);
  await settle();
  expect(ends()).toEqual([{ kind: 'stopped', id: 1 }]);
});

it('reports why it can not read a file, and hashes the others', async () => {
  const bytes = randomBytes(2 * SPAN_BYTES + 5, 'others');
  const { posted, ends, start, advance, settle } = startLoop();
  start(1, await openWith(bytes));
  start(2, 1_000_000);
  start(3, await openWith(bytes));
  for (const id of [1, 2]) advance(id, bytes.length, true);
  advance(3, bytes.length + 1, true);
  await settle();
  expect(ends()).toHaveLength(3);
  expect(posted).toContainEqual({ kind: 'done', id: 1, md5: md5Of(bytes) });
  expect(posted).toContainEqual({
    kind: 'failed',
    id: 2,
    error: expect.objectContaining({ code: 'EBADF' }) as unknown,
  });
  expect(posted).toContainEqual({ kind: 'done', id: 3, md5: null });
});

it('notifies a waiting writer as soon as it is that far, also if it is already', async () => {
  const { posted, start, advance, settle } = startLoop();
  start(1, await openWith(randomBytes(3 * SPAN_BYTES, 'wait')));
  advance(1, 3 * SPAN_BYTES, false, 2 * SPAN_BYTES);
  await settle();
  expect(posted).toContainEqual({ kind: 'progress', id: 1, hashedBytes: 2 * SPAN_BYTES });
  posted.length = 0;
  advance(1, 3 * SPAN_BYTES, false, SPAN_BYTES);
  expect(posted).toEqual([{ kind: 'progress', id: 1, hashedBytes: 3 * SPAN_BYTES }]);
});

it('hashes a file that grows by whole spans, and the rest at its end', async () => {
  const bytes = randomBytes(2 * SPAN_BYTES + 100, 'growing');
  const { posted, start, advance, settle } = startLoop();
  start(1, await openWith(bytes));
  for (const written of [10, SPAN_BYTES + 10, 2 * SPAN_BYTES + 99]) {
    advance(1, written, false, Math.floor(written / SPAN_BYTES) * SPAN_BYTES);
    await settle();
  }
  const reported = posted.flatMap((message) =>
    message.kind === 'progress' ? [message.hashedBytes] : [],
  );
  expect([...new Set(reported)]).toEqual([0, SPAN_BYTES, 2 * SPAN_BYTES]);
  advance(1, bytes.length, true);
  await settle();
  expect(posted.at(-1)).toEqual({ kind: 'done', id: 1, md5: md5Of(bytes) });
});

interface Named extends StreamProgress {
  readonly name: string;
}

/** A stream with so many bytes written that are not hashed. */
function stream(name: string, lagBytes: number, rest: Partial<StreamProgress> = {}): Named {
  const hashedBytes = 7 * SPAN_BYTES;
  const writtenBytes = hashedBytes + lagBytes;
  return { name, hashedBytes, writtenBytes, isLast: false, notifyAtBytes: Infinity, ...rest };
}

const chosen = (...streams: readonly Named[]) => nextStreams(streams).map(({ name }) => name);

describe('of several files, hashed next', () => {
  it('are none, while none has a span', () => {
    expect(chosen()).toEqual([]);
    expect(chosen(stream('a', 0), stream('b', SPAN_BYTES - 1))).toEqual([]);
  });

  it('is one that grows alone, by spans', () => {
    expect(chosen(stream('a', SPAN_BYTES))).toEqual(['a']);
  });

  it('are those that grow, as soon as all of them have a span', () => {
    expect(chosen(stream('a', SPAN_BYTES), stream('b', 2 * SPAN_BYTES))).toEqual(['a', 'b']);
    expect(chosen(stream('a', SPAN_BYTES), stream('b', SPAN_BYTES - 1))).toEqual([]);
  });

  it('are those that have a span, as soon as one is far behind its writer', () => {
    const [far, span, less] = [32 * SPAN_BYTES, SPAN_BYTES, SPAN_BYTES - 1];
    expect(chosen(stream('less', less), stream('span', span), stream('far', far))).toEqual([
      'far',
      'span',
    ]);
    expect(chosen(stream('less', less), stream('span', span), stream('near', far - 1))).toEqual([]);
  });

  it('is one that is whole, at once and to its last byte, empty or not', () => {
    expect(chosen(stream('a', 1), stream('whole', 5, { isLast: true }))).toEqual(['whole']);
    expect(chosen(stream('a', 1), stream('done', 0, { isLast: true }))).toEqual(['done']);
  });

  it('is one whose writer waits', () => {
    const notifyAtBytes = 8 * SPAN_BYTES;
    expect(chosen(stream('a', 0), stream('b', SPAN_BYTES, { notifyAtBytes }))).toEqual(['b']);
  });

  it('are no more than there are lanes: what is urgent first, else in their order', () => {
    const names = Array.from({ length: 12 }, (_, at) => `s${at}`);
    const streams = names.map((name, at) => stream(name, SPAN_BYTES, { isLast: at % 6 === 5 }));
    expect(chosen(...streams)).toEqual(['s5', 's11', ...names.slice(0, 5), 's6'].slice(0, LANES));
    const growing = names.map((name, at) => stream(name, at < 8 ? SPAN_BYTES : 0));
    expect(chosen(...growing)).toEqual(names.slice(0, 8));
  });
});
