// The entry of a take thread; take-pool.ts starts it.
import { serveThread } from '../threads/serve.ts';
import { type TakeTypes, type Taken, Taker } from './take-task.ts';

const taker = new Taker();

serveThread<TakeTypes>((items, reply) => {
  const taken: Taken[] = [];
  let bytes = 0;
  for (const item of items) {
    if (reply.isStopped) {
      reply.stopped();
      return undefined;
    }
    const one = taker.take(item);
    if (one.kind === 'taken') bytes += one.bytes;
    taken.push(one);
  }
  reply.progress(bytes);
  reply.done(taken);
  return undefined;
});
