import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { HashLoop } from '../../src/hash/hash-loop.ts';
import type { HashTypes } from '../../src/hash/hash-pool.ts';
import { SPAN_BYTES } from '../../src/hash/kernel.ts';
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

it('reports why it can not read a file, and goes on with the others', async () => {
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
