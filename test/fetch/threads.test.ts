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
    // Too small to be hashed in another thread.
    { what: 'fast is written in a thread', bytes: 1_000_000, threads: [{ isGone: true }] },
    { what: 'in small files is not', bytes: 100_000, threads: [] },
  ])('what comes $what, which ends with the run', async ({ bytes, threads }) => {
    const root = await tempDir();
    const archives = [1, 2, 3].map((n) => sampleArchive(`ChestDx-${n}.zip`, { bytes }));
    const files = Object.fromEntries(archives.map((each) => [each.name, each.bytes]));
    await writeTree(join(root, 'mirror'), files);
    const server = await nginx({ root: join(root, 'mirror') });
    const started = watchThreads();
    const manifest = manifestOf(...archives);
    const ran = await run({ dest: destIn(root), manifest, sources: [`${server.url}/`] });
    expect(ran.outcomes).toEqual(archives.map(() => 'downloaded'));
    expect(started).toEqual(threads);
  });
});
