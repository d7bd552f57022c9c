import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freeBytesAt } from '../../src/fs/paths.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const mounts = useMounts();

it('is that of the nearest directory that exists', async () => {
  const root = await tempDir();
  await writeFile(join(root, 'file'), '');
  for (const path of [root, join(root, 'not', 'yet', 'there'), join(root, 'file', 'below')]) {
    expect(await freeBytesAt(path)).toBeGreaterThan(0);
  }
});

it.skipIf(!canMount)('is what may still be written there', async () => {
  const root = await mounts.small(1024 * 1024);
  const path = join(root, 'cc-cxri');
  expect(await freeBytesAt(path)).toBe(1024 * 1024);
  await writeFile(join(root, 'ballast'), Buffer.alloc(1024 * 1024));
  expect(await freeBytesAt(path)).toBe(0);
});

it.skipIf(!existsSync('/proc/self'))('is not told by a file system without blocks', async () => {
  expect(await freeBytesAt('/proc')).toBeNull();
});
