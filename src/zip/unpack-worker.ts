// The entry of an unpack thread; unpack-pool.ts starts it.
import { type Reply, serveThread } from '../threads/serve.ts';
import { MemberUnpacker } from './inflate.ts';
import { MemberFaults } from './member-faults.ts';
import { type UnpackTask, type UnpackTypes, unpackMembers } from './unpack-task.ts';

const PROGRESS_EVERY_MS = 100;

const unpacker = new MemberUnpacker();

serveThread<UnpackTypes>((task, reply) => {
  void run(task, reply);
  return undefined;
});

async function run(task: UnpackTask, reply: Reply<UnpackTypes>): Promise<void> {
  let newBytes = 0;
  let reportedAtMs = performance.now();
  const faults = new MemberFaults();
  try {
    for await (const bytes of unpackMembers(task, { unpacker, faults })) {
      if (reply.isStopped) break;
      newBytes += bytes;
      if (performance.now() - reportedAtMs < PROGRESS_EVERY_MS) continue;
      reply.progress(newBytes);
      newBytes = 0;
      reportedAtMs = performance.now();
    }
    // Sent when no file of the call is open any more.
    if (reply.isStopped) reply.stopped();
    else {
      reply.progress(newBytes);
      reply.done({ damaged: faults.damaged, broken: faults.broken });
    }
  } catch (error) {
    reply.fail(error);
  }
}
