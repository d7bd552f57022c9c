// Compiles the WebAssembly kernels: `npm run kernels` makes each *.generated.ts from the *.as.ts beside
// it. The tests compile them again and compare.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Kernel {
  /** Below the root, without `.as.ts`. */
  readonly path: string;
  /** Where static data starts in memory. undefined: where the compiler puts it. */
  readonly memoryBase?: number | undefined;
  /** The exported constants, one module each. */
  readonly modules: readonly {
    readonly name: string;
    readonly comment: string;
    readonly flags: readonly string[];
  }[];
}

export const MD5_KERNEL: Kernel = {
  path: 'src/hash/kernel',
  memoryBase: 256,
  modules: [
    {
      name: 'SIMD_KERNEL',
      comment: '`hash1`, `hash4` and `hash8`, with 128-bit SIMD.',
      flags: ['--enable', 'simd'],
    },
    {
      name: 'SCALAR_KERNEL',
      comment: '`hash1`, for processors without SIMD.',
      flags: ['--disable', 'simd'],
    },
  ],
};

export const INFLATE_KERNEL: Kernel = {
  path: 'src/zip/inflate-kernel/kernel',
  modules: [
    {
      name: 'INFLATE_KERNEL',
      comment: 'RFC 1951 for four streams in lock-step.',
      flags: ['--converge'],
    },
  ],
};

const KERNELS: readonly Kernel[] = [MD5_KERNEL, INFLATE_KERNEL];

const FLAGS = ['-O3', '--runtime', 'stub', '--noAssert', '--importMemory', '--noExportMemory'];

const root = fileURLToPath(new URL('..', import.meta.url));

/** The text of a kernel's *.generated.ts. */
export async function generate({ path, memoryBase, modules }: Kernel): Promise<string> {
  const source = `${path}.as.ts`;
  const name = source.slice(source.lastIndexOf('/') + 1);
  const parts = [
    `// Made from ${name} by \`npm run kernels\`: change that file, not this one.`,
    '// WebAssembly modules in base64.',
  ];
  const base = memoryBase === undefined ? [] : ['--memoryBase', String(memoryBase)];
  for (const { name: constant, comment, flags } of modules) {
    const code = await compile(source, [...flags, ...base]);
    parts.push('', `/** ${comment} */`, `export const ${constant}: string =`, `  '${code}';`);
  }
  return `${parts.join('\n')}\n`;
}

/** In a process of its own: the types of the compiler's API redeclare the globals of the language. */
async function compile(source: string, flags: readonly string[]): Promise<string> {
  const require = createRequire(import.meta.url);
  const asc = require.resolve('assemblyscript/bin/asc.js');
  const directory = await mkdtemp(join(tmpdir(), 'ccxri-kernel-'));
  try {
    const output = join(directory, 'kernel.wasm');
    const args = [asc, source, '-o', output, ...FLAGS, ...flags];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${source} does not compile:\n${stderr}`);
    return await readFile(output, 'base64');
  } finally {
    await rm(directory, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const kernel of KERNELS) {
    await writeFile(join(root, `${kernel.path}.generated.ts`), await generate(kernel));
  }
}
