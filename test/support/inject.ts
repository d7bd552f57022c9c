import { spawnSync } from 'node:child_process';

/** Whether strace is here, and may trace: containers often forbid ptrace. */
export const canInject = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;
if (!canInject) console.warn('skipped: tests that let system calls fail need strace');

/**
 * A command that starts another one and makes a system call of it end as told: `fsync:error=EIO`,
 * `fsync:error=EIO:when=1`. One thread in Node's pool, so that n counts for all of its calls.
 */
export function injecting(fault: string): readonly string[] {
  const [call = ''] = fault.split(':');
  const env = ['env', 'UV_THREADPOOL_SIZE=1', 'UV_USE_IO_URING=0'];
  const strace = ['strace', '-f', '-o', '/dev/null', '-e', `trace=${call}`];
  return [...env, ...strace, '-e', `inject=${fault}`];
}
