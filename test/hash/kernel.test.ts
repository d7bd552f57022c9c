import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { MD5_KERNEL, generate } from '../../scripts/kernels.ts';

it('src/hash/kernel.generated.ts is what the compiler makes of kernel.as.ts (`npm run kernels` writes it)', async () => {
  const path = new URL(`../../${MD5_KERNEL.path}.generated.ts`, import.meta.url);
  expect(await readFile(path, 'utf8')).toBe(await generate(MD5_KERNEL));
});
