// Writes the MD5 kernels anew: `npm run md5-kernel`.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { kernelSource } from './kernel-source.ts';

const path = fileURLToPath(new URL('../../src/hash/kernel.generated.ts', import.meta.url));
await writeFile(path, await kernelSource());
