import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import type { HashTypes } from '../../src/hash/hash-pool.ts';
import { SPAN_BYTES } from '../../src/hash/kernel.ts';
import { WorkerClient, startWorker } from '../../src/threads/worker.ts';
import { md5Of, randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const tempDir = useTempDirs();

// Without its file files are hashed in the caller's thread, and nobody would notice.
it('the code of the hash thread is beside the program and the library', async () => {
  const beside = pathToFileURL(join(dist, 'bin', 'any.js')).href;
  const start = () => startWorker('hash-worker', beside);
  const thread = new WorkerClient<HashTypes>('hash thread', start);
  const bytes = randomBytes(3 * SPAN_BYTES + 1, 'built');
  const path = join(await tempDir(), 'a.zip');
  await writeFile(path, bytes);
  const handle = await open(path, 'r');
  try {
    const call = thread.start({ fd: handle.fd });
    call.update({ writtenBytes: bytes.length, isLast: true, notifyAtBytes: Infinity });
    expect(await call.result).toBe(md5Of(bytes));
  } finally {
    await thread.close();
    await handle.close();
  }
});
