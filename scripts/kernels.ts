// Compiles the WebAssembly kernels: `npm run kernels` makes each *.generated.ts from the *.as.ts beside
// it. The tests compile them again and compare.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as asc from 'assemblyscript/asc';

export interface Kernel {
  /** Below the root, without `.as.ts`. */
  readonly path: string;
  /** Where static data starts in memory. */
  readonly memoryBase: number;
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

const KERNELS: readonly Kernel[] = [MD5_KERNEL];

const FLAGS = ['-O3', '--runtime', 'stub', '--noAssert', '--importMemory', '--noExportMemory'];

const fileOf = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** The text of a kernel's *.generated.ts. */
export async function generate({ path, memoryBase, modules }: Kernel): Promise<string> {
  const source = `${path}.as.ts`;
  const name = source.slice(source.lastIndexOf('/') + 1);
  const text = await readFile(fileOf(source), 'utf8');
  const parts = [
    `// Made from ${name} by \`npm run kernels\`: change that file, not this one.`,
    '// WebAssembly modules in base64.',
  ];
  for (const { name: constant, comment, flags } of modules) {
    const code = await compile(name, text, [...flags, '--memoryBase', String(memoryBase)]);
    parts.push('', `/** ${comment} */`, `export const ${constant} =`, `  '${code}';`);
  }
  return `${parts.join('\n')}\n`;
}

async function compile(name: string, text: string, flags: readonly string[]): Promise<string> {
  let code: Uint8Array | string = '';
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main([name, '-o', 'kernel.wasm', ...FLAGS, ...flags], {
    stderr,
    readFile: (file) => (file === name ? text : null),
    writeFile: (_, content) => {
      code = content;
    },
    listFiles: () => null,
  });
  if (error !== null) throw new Error(`${name} does not compile: ${stderr.toString()}`);
  return Buffer.from(code).toString('base64');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const kernel of KERNELS) {
    await writeFile(fileOf(`${kernel.path}.generated.ts`), await generate(kernel));
  }
}
