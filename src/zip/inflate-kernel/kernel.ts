import { MEMORY_PAGES } from './kernel-layout.ts';
import { INFLATE_KERNEL } from './kernel.generated.ts';

/** What is used of the engine's WebAssembly; Node's types leave it out. */
interface Engine {
  readonly Memory: new (limits: { readonly initial: number; readonly maximum: number }) => Memory;
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: Memory } },
  ) => { readonly exports: Readonly<Record<string, KernelFunction>> };
}
interface Memory {
  readonly buffer: ArrayBuffer;
}
/** @param stream of `begin`: where its state lies */
type KernelFunction = (stream?: number) => void;

declare const WebAssembly: Engine | undefined;

/** The functions of one kernel and the memory that they work in. */
export interface Kernel {
  readonly memory: Uint8Array;
  readonly functions: Readonly<Record<string, KernelFunction>>;
}

/** undefined: a Node without WebAssembly (`--jitless`). */
export function loadKernel(): Kernel | undefined {
  // Where it is missing even its name is.
  if (typeof WebAssembly === 'undefined') return undefined;
  const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES });
  const module = new WebAssembly.Module(Buffer.from(INFLATE_KERNEL, 'base64'));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { memory: new Uint8Array(memory.buffer), functions: exports };
}
