import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { GroupEnd, StartGroup } from './process-group.ts';

/** Whether strace is here, and may trace: containers often forbid ptrace. */
export const hasStrace =
  spawnSync('strace', ['-f', '--seccomp-bpf', '-o', '/dev/null', 'true']).status === 0;
if (!hasStrace) {
  console.warn('SKIPPED: strace is not here, or may not trace; no system call is made to fail');
}

/** A system call that a run has made. */
export interface Call {
  readonly thread: string;
  readonly name: string;
  /** Counted from 1, of the thread's calls of this name. */
  readonly ordinal: number;
  /** What it was about, random names as `*`; undefined: something outside the directory watched. */
  readonly path: string | undefined;
  readonly isInjected: boolean;
}

export interface Fault {
  /** `pwrite64` */
  readonly call: string;
  /** `error=ENOSPC`, `signal=KILL`, `retval=100`; as strace's `inject` has it. */
  readonly how: string;
  /** Which of a thread's calls, counted from 1. */
  readonly when: number;
}

export interface Traced {
  readonly end: GroupEnd;
  readonly calls: readonly Call[];
}

/**
 * Runs the built program under strace, with one thread in Node's pool, so that its calls have an
 * order. A fault hits that call of each thread that makes so many.
 * @param world.directory whose files count as the program's; `log` where strace writes
 */
export async function runTraced(
  start: StartGroup,
  args: readonly string[],
  world: { readonly directory: string; readonly log: string },
  traced: Fault | string,
): Promise<Traced> {
  const call = typeof traced === 'string' ? traced : traced.call;
  const inject =
    typeof traced === 'string' ? [] : ['-e', `inject=${call}:${traced.how}:when=${traced.when}`];
  // The quick way forgets signals that are to come later than at the first call (strace 6.1).
  const isKill = typeof traced !== 'string' && traced.how.startsWith('signal=');
  const quick = isKill ? [] : ['--seccomp-bpf'];
  const strace = ['strace', '-f', ...quick, '-y', '-o', world.log];
  const end = await start(args, {
    before: [...strace, '-e', `trace=${call}`, ...inject],
    env: { UV_THREADPOOL_SIZE: '1', UV_USE_IO_URING: '0' },
  }).ended;
  return { end, calls: parseLog(await readFile(world.log, 'utf8'), world.directory) };
}

function parseLog(text: string, directory: string): readonly Call[] {
  const calls: { -readonly [K in keyof Call]: Call[K] }[] = [];
  const counts = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const isInjected = rest.endsWith('(INJECTED)');
    if (rest.startsWith('<... ')) {
      const begun = calls.findLast((call) => call.thread === thread);
      if (begun !== undefined) begun.isInjected ||= isInjected;
      continue;
    }
    const name = /^(\w+)\(/.exec(rest)?.[1];
    if (name === undefined) continue;
    const ordinal = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, ordinal);
    calls.push({ thread, name, ordinal, path: pathOf(rest, directory), isInjected });
  }
  return calls;
}

/** The path that it is about, if it lies in the directory: of an open file, or the first in quotes. */
function pathOf(call: string, directory: string): string | undefined {
  const ofOpenFile = /^\w+\(\d+<([^>]*)>/.exec(call)?.[1];
  const path = ofOpenFile ?? /"([^"]*)"/.exec(call)?.[1] ?? '';
  if (!path.startsWith(`${directory}/`)) return undefined;
  return path.slice(directory.length + 1).replace(/\b[0-9a-f]{12}\b/g, '*');
}

/** Where a fault can hit: the nth call about a path. */
export function pointsOf(calls: readonly Call[]): readonly (Call & { readonly point: string })[] {
  const seen = new Map<string, number>();
  return calls.flatMap((call) => {
    if (call.path === undefined) return [];
    const of = `${call.name} ${call.path}`;
    const nth = (seen.get(of) ?? 0) + 1;
    seen.set(of, nth);
    return [{ ...call, point: `${of} #${nth}` }];
  });
}
