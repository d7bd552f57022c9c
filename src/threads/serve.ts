import { parentPort } from 'node:worker_threads';
import { toErrorData } from './error-data.ts';
import type { FromThread, ThreadTypes, ToThread } from './worker.ts';

/** How a thread answers a call. `done`, `stopped` or `fail` ends it. */
export interface Reply<T extends ThreadTypes> {
  /** For work that does not return to the event loop: whether to stop, at any time. */
  readonly isStopped: boolean;
  progress(progress: T['progress']): void;
  done(result: T['result']): void;
  stopped(): void;
  fail(error: unknown): void;
}

/** What reaches a call that returns to the event loop. Both may come after its end. */
export interface CallControls<T extends ThreadTypes> {
  update(update: T['update']): void;
  stop(): void;
}

/**
 * All that a thread's entry file has to do, at the other end of a WorkerClient.
 * @param begin works on a call, at once or later; what it throws fails the call
 */
export function serveThread<T extends ThreadTypes>(
  begin: (request: T['request'], reply: Reply<T>) => CallControls<T> | undefined,
): void {
  if (parentPort === null) throw new Error('this file is the entry of a worker thread');
  const port = parentPort;
  const controls = new Map<number, CallControls<T>>();
  const post = (message: FromThread<T>) => port.postMessage(message);

  const replyTo = (id: number, stopFlag: Int32Array): Reply<T> => {
    const end = (message: FromThread<T>) => {
      controls.delete(id);
      post(message);
    };
    return {
      get isStopped() {
        return Atomics.load(stopFlag, 0) !== 0;
      },
      progress: (progress) => post({ kind: 'progress', id, progress }),
      done: (result) => end({ kind: 'done', id, result }),
      stopped: () => end({ kind: 'stopped', id }),
      fail: (error) => end({ kind: 'failed', id, error: toErrorData(error) }),
    };
  };

  port.on('message', (message: ToThread<T>) => {
    const { id } = message;
    if (message.kind === 'update') controls.get(id)?.update(message.update);
    else if (message.kind === 'stop') controls.get(id)?.stop();
    else {
      const reply = replyTo(id, message.stopFlag);
      try {
        const call = begin(message.request, reply);
        if (call !== undefined) controls.set(id, call);
      } catch (error) {
        reply.fail(error);
      }
    }
  });
  post({ kind: 'ready' });
}
