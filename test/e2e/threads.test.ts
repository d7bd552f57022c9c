import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { HashPool } from '../../src/hash/hash-pool.ts';
import { SPAN_BYTES } from '../../src/hash/kernel.ts';
import { startWorker } from '../../src/threads/start-worker.ts';
import { md5Of, randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const tempDir = useTempDirs();

// Where its thread is missing a pool leaves files to their callers, and nobody would notice.
it.each(['bin', 'hash'])(
  'the thread that hashes is there beside what starts it: dist/%s',
  async (folder) => {
    const beside = pathToFileURL(join(dist, folder, 'any.js')).href;
    const pool = new HashPool({
      threads: 1,
      startWorker: () => startWorker('hash-worker', beside),
    });
    const bytes = randomBytes(3 * SPAN_BYTES + 1, 'built');
    const path = join(await tempDir(), 'a.zip');
    await writeFile(path, bytes);
    const handle = await open(path, 'r');
    try {
      const job = pool.start(handle.fd);
      job?.advance(bytes.length);
      expect(await job?.finish()).toBe(md5Of(bytes));
    } finally {
      await pool.close();
      await handle.close();
    }
  },
);
