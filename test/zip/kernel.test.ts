import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { INFLATE_KERNEL, generate } from '../../scripts/kernels.ts';

it('src/zip/inflate-kernel/kernel.generated.ts is what the compiler makes of kernel.as.ts (`npm run kernels` writes it)', async () => {
  const path = new URL(`../../${INFLATE_KERNEL.path}.generated.ts`, import.meta.url);
  expect(await readFile(path, 'utf8')).toBe(await generate(INFLATE_KERNEL));
});
