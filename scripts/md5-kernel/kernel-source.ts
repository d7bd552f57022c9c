import wabt from 'wabt';
import { scalarModule, simdModule } from './wat.ts';

/** The text of src/hash/kernel.generated.ts. */
export async function kernelSource(): Promise<string> {
  const toolkit = await wabt();
  const assemble = (name: string, text: string) => {
    const module = toolkit.parseWat(name, text, { simd: true });
    try {
      module.validate();
      return Buffer.from(module.toBinary({}).buffer).toString('base64');
    } finally {
      module.destroy();
    }
  };
  return `// Made by \`npm run md5-kernel\` (scripts/md5-kernel/): change the program there, not this file.
// Two WebAssembly modules in base64. Where their memory has what: kernel-layout.ts.

/** \`hash8\` and \`hash4\`: MD5s of eight and of four lanes in lock-step, with 128-bit SIMD. */
export const SIMD_KERNELS =
  '${assemble('simd.wat', simdModule())}';

/** \`hash1\`: the MD5 of the first lane, without SIMD. */
export const SCALAR_KERNEL =
  '${assemble('scalar.wat', scalarModule())}';
`;
}
