import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { startWorker } from '../../src/threads/worker.ts';
import { extractMembers } from '../../src/zip/member.ts';
import { ARCHIVE_FILE as file, makeArchiveFile } from '../support/archive-file.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { useUnpackPools } from '../support/unpack-threads.ts';
import { contentsBelow } from '../support/unpack.ts';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const tempDir = useTempDirs();
const poolOf = useUnpackPools();

// Where its thread is missing, a pool works in the caller's thread, and nobody would notice.
it('the thread that unpacks is there beside the program and the library', async () => {
  const beside = pathToFileURL(join(dist, 'bin', 'any.js')).href;
  const { pool, partsDone } = poolOf({
    threads: 1,
    startWorker: () => startWorker('unpack-worker', beside),
  });
  const contents = { 'a.jpg': 'image '.repeat(9000), 'b.jpg': 'other' };
  const members = Object.entries(contents).map(([name, content]) => ({ name, content }));
  const { reader, directory } = await makeArchiveFile(await tempDir(), members);
  const into = await tempDir();
  await extractMembers(reader, directory, { file, into, pool });
  expect(await contentsBelow(into)).toEqual(contents);
  expect(partsDone()).toEqual([1]);
});
