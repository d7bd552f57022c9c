// The thread that writes: started by write-thread.ts, and ended by it.
import { parentPort } from 'node:worker_threads';
import { toErrorData } from '../threads/error-data.ts';
import { type FromWriteThread, type WriteTask, writePiecesSync } from './writer.ts';

if (parentPort === null) throw new Error('this is the code of a thread');
const port = parentPort;
const post = (message: FromWriteThread) => port.postMessage(message);

port.on('message', ({ id, fd, chunks, at }: WriteTask) => {
  try {
    writePiecesSync(fd, chunks, at);
  } catch (error) {
    post({ kind: 'failed', id, error: toErrorData(error) });
    return;
  }
  post({ kind: 'done', id });
});
post({ kind: 'ready' });
