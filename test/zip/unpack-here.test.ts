import { mkdtemp, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { extractMembers } from '../../src/zip/member.ts';
import { ARCHIVE_FILE as file, makeArchiveFile } from '../support/archive-file.ts';
import { openFilesBelow } from '../support/open-files.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const IMAGES = Array.from({ length: 100 }, (_, i) => ({
  name: `patient${i}_000.jpg`,
  content: randomBytes(8000, `image ${i}`),
}));

/** How many folders this process has images open in. */
function foldersOpen(below: string): number {
  const images = openFilesBelow(below).filter((path) => path.endsWith('.jpg'));
  return new Set(images.map((path) => dirname(path))).size;
}

it('two archives at once in one thread: the files of one alone are open at a time', async () => {
  const root = await tempDir();
  const archive = await makeArchiveFile(root, IMAGES);
  const intos = await Promise.all([1, 2].map(() => mkdtemp(join(root, 'into-'))));
  let most = 0;
  const onBytes = () => (most = Math.max(most, foldersOpen(root)));
  await Promise.all(
    intos.map((into) =>
      extractMembers(archive.reader, archive.directory, { file, into, pool: undefined, onBytes }),
    ),
  );
  expect(most).toBe(1);
  for (const into of intos) expect(await readdir(into)).toHaveLength(IMAGES.length);
});
