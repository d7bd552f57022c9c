import { Worker } from 'node:worker_threads';

/** Ends the process where a parser never comes back: nothing in its own thread could. */
export interface Watchdog {
  /** What is tried from now on; `%` stands for the number of the input. */
  readonly watch: (what: string) => void;
  /** The next input is begun. */
  readonly beat: () => void;
  readonly rest: () => void;
  readonly stop: () => Promise<void>;
}

const LIMIT_MS = 60_000;

/** In a thread of its own, which a busy loop in this one does not stop. */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const { counter, limitMs } = workerData;
let what = '', last = -1, sinceMs = 0;
parentPort.on('message', (text) => { what = text; });
setInterval(() => {
  const now = Atomics.load(counter, 0);
  if (now !== last || now === 0) { last = now; sinceMs = performance.now(); return; }
  if (performance.now() - sinceMs < limitMs) return;
  writeSync(2, '\\n' + what.replaceAll('%', String(now - 1)) + '\\n');
  process.kill(process.pid, 'SIGKILL');
}, 1000);
`;

export function startWatchdog(limitMs = LIMIT_MS): Watchdog {
  const counter = new Int32Array(new SharedArrayBuffer(4));
  // Without the loaders of this process: they may wait for this thread.
  const options = { eval: true, execArgv: [], workerData: { counter, limitMs } };
  const worker = new Worker(PROGRAM, options);
  worker.unref();
  return {
    watch: (what) => {
      worker.postMessage(`an input hangs: ${what}`);
      Atomics.store(counter, 0, 0);
    },
    beat: () => void Atomics.add(counter, 0, 1),
    rest: () => void Atomics.store(counter, 0, 0),
    stop: async () => {
      await worker.terminate();
    },
  };
}
