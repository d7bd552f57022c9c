// A thread that unpacks: started by unpack-pool.ts, and ended by it.
import { parentPort } from 'node:worker_threads';
import { MemberUnpacker } from './inflate.ts';
import type { FromUnpackThread, UnpackTask } from './unpack-pool.ts';
import { workThrough } from './unpack-task.ts';

if (parentPort === null) throw new Error('this is the code of a thread');
const port = parentPort;
const post = (message: FromUnpackThread) => port.postMessage(message);
const unpacker = new MemberUnpacker();
port.on('message', (task: UnpackTask) => post(workThrough(task, unpacker, post)));
post({ kind: 'ready' });
