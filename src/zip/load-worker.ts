// The entry of a load thread; load-pool.ts starts it.
import { serveThread } from '../threads/serve.ts';
import { MemberUnpacker } from './inflate.ts';
import { type LoadTypes, loadMembers } from './load-task.ts';

const unpacker = new MemberUnpacker();

serveThread<LoadTypes>((task, reply) => {
  const faults = loadMembers(task, unpacker, () => reply.isStopped);
  if (faults === undefined) reply.stopped();
  else reply.done(faults);
  return undefined;
});
