import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { kernelSource } from '../../scripts/md5-kernel/kernel-source.ts';

it('src/hash/kernel.generated.ts is what the program makes (`npm run md5-kernel` writes it)', async () => {
  const path = new URL('../../src/hash/kernel.generated.ts', import.meta.url);
  expect(await readFile(path, 'utf8')).toBe(await kernelSource());
});
