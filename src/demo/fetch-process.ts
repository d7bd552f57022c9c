import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { EventListener, RunEvent } from '../events.ts';

/** How this program is started: a child of it runs the fetch that is killed. */
export interface DemoProgram {
  /** What to execute, and what comes before the command. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface FetchProcessOptions {
  /** Of `fetch`. */
  readonly args: readonly string[];
  readonly onEvent: EventListener;
  /** Kills it. */
  readonly signal: AbortSignal;
}

/**
 * Runs `fetch` in a process of its own, until that ends or is killed.
 * @returns `unavailable`: it could not be started
 */
export async function runFetchProcess(
  program: DemoProgram,
  { args, onEvent, signal }: FetchProcessOptions,
): Promise<'killed' | 'ended' | 'unavailable'> {
  const child = startChild(program, ['fetch', ...args, '--ndjson']);
  if (child === undefined) return 'unavailable';
  const kill = () => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  const closed = once(child, 'close').then(
    () => true,
    () => false,
  );
  try {
    if (signal.aborted) kill();
    for await (const line of createInterface({ input: child.stdout })) {
      const event = toEvent(line);
      if (event !== undefined) onEvent(event);
    }
  } catch (error) {
    // A listener has thrown.
    kill();
    throw error;
  } finally {
    await closed;
    signal.removeEventListener('abort', kill);
  }
  if (!(await closed)) return 'unavailable';
  return child.signalCode === 'SIGKILL' ? 'killed' : 'ended';
}

/** undefined: the system gives no process. */
function startChild({ command: [file, ...before], env }: DemoProgram, args: readonly string[]) {
  try {
    return spawn(file, [...before, ...args], {
      env: withoutOurs(env),
      stdio: ['ignore', 'pipe', 'ignore'],
      windowsHide: true,
    });
  } catch {
    return undefined;
  }
}

/** Its variables and files would change what it does, and a proxy does not lead to this machine. */
function withoutOurs(env: DemoProgram['env']): DemoProgram['env'] {
  const isTheirs = (name: string) => !/^CCXRI_|_proxy$/i.test(name);
  const theirs = Object.entries(env).filter(([name]) => isTheirs(name));
  return { ...Object.fromEntries(theirs), CCXRI_NO_CONFIG: '1' };
}

/** undefined: not an event, or cut by the kill. */
function toEvent(line: string): RunEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRunEvent(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The same program has printed it: no more has to be asked. */
function isRunEvent(value: unknown): value is RunEvent {
  if (typeof value !== 'object' || value === null || !('event' in value)) return false;
  return value.event !== 'summary';
}
