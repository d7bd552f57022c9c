// The entry of an unpack thread; unpack-pool.ts starts it.
import { serveThread } from '../threads/serve.ts';
import { MemberUnpacker } from './inflate.ts';
import type { UnpackTypes } from './unpack-pool.ts';
import { unpackMembers } from './unpack-task.ts';

const unpacker = new MemberUnpacker();
serveThread<UnpackTypes>((task, reply) => {
  if (unpackMembers(task, unpacker, reply)) reply.done(null);
  else reply.stopped();
  return undefined;
});
