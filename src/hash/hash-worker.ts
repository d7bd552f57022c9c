// A thread that hashes: started by hash-thread.ts, and ended by it.
import { parentPort } from 'node:worker_threads';
import { HashLoop } from './hash-loop.ts';
import type { FromHashThread, ToHashThread } from './hash-pool.ts';

if (parentPort === null) throw new Error('this is the code of a thread');
const port = parentPort;
const loop = new HashLoop((message: FromHashThread) => port.postMessage(message));
port.on('message', (message: ToHashThread) => loop.take(message));
port.postMessage({ kind: 'ready' } satisfies FromHashThread);
