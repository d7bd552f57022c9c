import { Worker } from 'node:worker_threads';
import { afterEach } from 'vitest';
import { startWorker } from '../../src/threads/worker.ts';
import { UnpackPool, type UnpackPoolOptions } from '../../src/zip/unpack-pool.ts';

/** A pool with access to its threads. */
export interface PoolWithThreads {
  readonly pool: UnpackPool;
  readonly workers: readonly Worker[];
  /** How many parts each thread has done. */
  readonly partsDone: () => readonly number[];
}

/** Pools that take archives of any size; all are closed after each test. */
export function useUnpackPools(): (options?: UnpackPoolOptions) => PoolWithThreads {
  const pools: UnpackPool[] = [];
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
  });
  return (options = {}) => {
    const done: { readonly worker: Worker; parts: number }[] = [];
    const start = options.startWorker ?? startUnpackWorker;
    const pool = new UnpackPool({
      minBytes: 0,
      threads: 2,
      ...options,
      startWorker: () => {
        const count = { worker: start(), parts: 0 };
        count.worker.on('message', ({ kind }: { readonly kind: string }) => {
          if (kind === 'done') count.parts += 1;
        });
        done.push(count);
        return count.worker;
      },
    });
    pools.push(pool);
    return {
      pool,
      get workers() {
        return done.map(({ worker }) => worker);
      },
      partsDone: () => done.map(({ parts }) => parts),
    };
  };
}

export function startUnpackWorker(): Worker {
  return startWorker('unpack-worker', new URL('../../src/zip/any.ts', import.meta.url).href);
}

/** A thread that says it is there, and then does this with each message. */
export function threadThat(does: string): Worker {
  const code = `const { parentPort } = require('node:worker_threads');
    parentPort.postMessage({ kind: 'ready' });
    parentPort.on('message', (task) => { ${does} });`;
  return new Worker(code, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 16 } });
}
