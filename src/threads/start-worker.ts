import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * A thread with the code of a file that lies beside the caller's: as a module of the sources or of
 * the library, or as an entry of its own among the program's chunks.
 * @param name of that file, without its ending
 * @param beside the caller's `import.meta.url`
 */
export function startWorker(name: string, beside: string): Worker {
  const options: WorkerOptions = {
    name: `ccxri-${name}`,
    // Not what the program itself was started with: `--input-type` and the like would fail here.
    execArgv: [],
  };
  if (!beside.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, beside), options);
  // From source, in tests: Node 20 runs no TypeScript, and a thread has none of vitest's loaders.
  // With `--import tsx` it would have none either: tsx registers itself in the main thread alone.
  const source = JSON.stringify(new URL(`./${name}.ts`, beside).href);
  const code = `import('tsx/esm/api').then((tsx) => { tsx.register(); return import(${source}); });`;
  return new Worker(code, { ...options, eval: true });
}
