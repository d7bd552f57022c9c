// A worker thread for the tests of WorkerClient. Each request names what it does.
import { serveThread } from '../../src/threads/serve.ts';

export interface EchoTypes {
  readonly request: 'answer' | 'throw' | 'collect' | 'spin' | 'exit' | 'crash';
  readonly update: string;
  readonly progress: string;
  readonly result: readonly string[];
}

serveThread<EchoTypes>((request, reply) => {
  if (request === 'answer') {
    reply.progress('begun');
    reply.done(['answer']);
  }
  if (request === 'throw') throw Object.assign(new Error('no entry'), { code: 'EACCES' });
  if (request === 'spin') {
    // Never returns to the event loop before it is stopped.
    reply.progress('spinning');
    while (!reply.isStopped);
    reply.stopped();
  }
  if (request === 'exit') process.exit(0);
  if (request === 'crash')
    setImmediate(() => {
      throw new RangeError('out of range');
    });
  if (request !== 'collect') return undefined;
  const updates: string[] = [];
  return {
    update: (update) => {
      updates.push(update);
      reply.progress(update);
      if (update === 'last') reply.done(updates);
    },
    stop: () => reply.stopped(),
  };
});
