import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { MAX_STREAM_BYTES } from '../../src/zip/inflate-kernel/inflater.ts';
import { checkMembers } from '../../src/zip/member.ts';
import { ARCHIVE_FILE as file, makeArchiveFile } from '../support/archive-file.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { useUnpackPools } from '../support/unpack-threads.ts';

const tempDir = useTempDirs();
const poolOf = useUnpackPools();

/** A thread that works until it is stopped. */
const startEndless = () =>
  new Worker(
    `const { parentPort } = require('node:worker_threads');
    parentPort.postMessage({ kind: 'ready' });
    parentPort.on('message', ({ kind, id }) => {
      if (kind === 'stop') parentPort.postMessage({ kind: 'stopped', id });
    });`,
    { eval: true },
  );

it('a large member that is damaged stops the threads that work on the others', async () => {
  const { reader, directory } = await makeArchiveFile(await tempDir(), [
    { name: 'small.jpg', content: 'an image' },
    { name: 'large.bin', content: randomBytes(MAX_STREAM_BYTES + 1, 'l'), method: 0, crc32: 1 },
  ]);
  const { pool } = poolOf({ startWorker: startEndless });
  await expect(
    checkMembers(reader, directory, { file, pool, openFile: reader.openFile }),
  ).rejects.toMatchObject({
    code: 'damaged-archive',
  });
});
