import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { afterEach } from 'vitest';

/** Temporary directories of a test file; all are removed after each test. */
export function useTempDirs(): () => Promise<string> {
  const made: string[] = [];
  afterEach(async () => {
    await Promise.all(made.splice(0).map((path) => rm(path, { recursive: true, force: true })));
  });
  return async () => {
    const path = await mkdtemp(join(tmpdir(), 'ccxri-test-'));
    made.push(path);
    return path;
  };
}

/** Writes files by their path below a directory; text or bytes. */
export async function writeTree(
  root: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  const folders = new Set(Object.keys(files).map((path) => dirname(join(root, path))));
  for (const folder of folders) await mkdir(folder, { recursive: true });
  for (const [path, content] of Object.entries(files)) await writeFile(join(root, path), content);
}

/** Every file and folder below a directory, with `/` on every system, sorted. */
export async function listTree(root: string): Promise<readonly string[]> {
  const paths = await readdir(root, { recursive: true });
  return paths.map((path) => path.replaceAll(sep, '/')).sort();
}
