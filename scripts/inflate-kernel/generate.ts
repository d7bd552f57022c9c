// Writes the kernels that unpack anew: `npm run inflate-kernel`.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { kernelSource } from './kernel-source.ts';

const path = fileURLToPath(
  new URL('../../src/zip/inflate-kernel/kernel.generated.ts', import.meta.url),
);
await writeFile(path, await kernelSource());
