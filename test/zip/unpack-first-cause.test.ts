import { describe, expect, it } from 'vitest';
import { type ArchiveFile, makeArchiveFile, workOn } from '../support/archive-file.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { threadThat, useUnpackPools } from '../support/unpack-threads.ts';

const tempDir = useTempDirs();
const poolOf = useUnpackPools();

/** Enough for two parts. */
const IMAGES = Array.from({ length: 80 }, (_, i) => ({
  name: `patient${i}_000.jpg`,
  content: randomBytes(100, `image ${i}`),
}));

async function makeArchive(): Promise<ArchiveFile> {
  return makeArchiveFile(await tempDir(), IMAGES);
}

describe('the error of an archive in threads', () => {
  it('is what a listener throws, also where the other threads stop before the one that met it', async () => {
    const archive = await makeArchive();
    // The first thread reports progress, and stops long after the second one, which has stopped at once.
    const lagging = `const { id, kind } = task;
      if (kind === 'request') parentPort.postMessage({ kind: 'progress', id, progress: 1 });
      else setTimeout(() => parentPort.postMessage({ kind: 'stopped', id }), 100);`;
    const prompt = `const { id, kind } = task;
      if (kind === 'stop') parentPort.postMessage({ kind: 'stopped', id });`;
    for (const does of [
      [lagging, prompt],
      [prompt, lagging],
    ]) {
      const { pool } = poolOf({ startWorker: () => threadThat(does.shift() ?? '') });
      const onBytes = () => {
        throw new RangeError('of the listener');
      };
      await expect(pool.unpack(workOn(archive, onBytes))).rejects.toThrow('of the listener');
    }
  });

  it('is what a listener throws, also where the user stops the run while the threads stop', async () => {
    const archive = await makeArchive();
    const does = `const { id, kind } = task;
      if (kind === 'request') parentPort.postMessage({ kind: 'progress', id, progress: 1 });
      else parentPort.postMessage({ kind: 'stopped', id });`;
    const { pool } = poolOf({ startWorker: () => threadThat(does) });
    const user = new AbortController();
    let calls = 0;
    // Each thread reports once: the second report comes when the first one has failed.
    const onBytes = () => {
      calls += 1;
      if (calls === 2) user.abort();
      else throw new RangeError('of the listener');
    };
    const work = { ...workOn(archive, onBytes), signal: user.signal };
    await expect(pool.unpack(work)).rejects.toThrow('of the listener');
    expect([calls, user.signal.aborted]).toEqual([2, true]);
  });

  it('is the stop by the user where a listener fails after it', async () => {
    const archive = await makeArchive();
    const { pool } = poolOf();
    const user = new AbortController();
    const onBytes = () => {
      user.abort();
      throw new RangeError('of the listener');
    };
    const work = { ...workOn(archive, onBytes), signal: user.signal };
    await expect(pool.unpack(work)).rejects.toMatchObject({ code: 'aborted' });
  });
});
