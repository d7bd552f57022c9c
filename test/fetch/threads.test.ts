import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { destIn, manifestOf, run, sampleArchive } from '../support/fetching.ts';
import { hasNginx, useNginx } from '../support/nginx.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

/** The threads that are started from now on, and whether each is gone. */
function watchThreads() {
  const threads: { isGone: boolean }[] = [];
  const onWorker = (worker: Worker) => {
    const thread = { isGone: false };
    threads.push(thread);
    worker.on('exit', () => {
      thread.isGone = true;
    });
  };
  process.on('worker', onWorker);
  onTestFinished(() => void process.off('worker', onWorker));
  return threads;
}

describe.skipIf(!hasNginx)('a fetch, on nginx', () => {
  it.each([
    {
      what: 'large files starts threads, which end with the run',
      bytes: 3_000_000,
      hasThreads: true,
    },
    { what: 'small files starts none', bytes: 100_000, hasThreads: false },
  ])('of $what', async ({ bytes, hasThreads }) => {
    const root = await tempDir();
    const archives = [1, 2, 3].map((n) => sampleArchive(`ChestDx-${n}.zip`, { bytes }));
    const files = Object.fromEntries(archives.map((each) => [each.name, each.bytes]));
    await writeTree(join(root, 'mirror'), files);
    const server = await nginx({ root: join(root, 'mirror') });
    const started = watchThreads();
    const manifest = manifestOf(...archives);
    const ran = await run({ dest: destIn(root), manifest, sources: [`${server.url}/`] });
    expect(ran.outcomes).toEqual(archives.map(() => 'downloaded'));
    expect(started.length > 0).toBe(hasThreads);
    expect(started.filter(({ isGone }) => !isGone)).toEqual([]);
  });
});
