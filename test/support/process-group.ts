import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { afterEach } from 'vitest';
import type { RunEvent } from '../../src/events.ts';
import { PROGRAM } from './program.ts';
import type { CliDocument } from './run-cli.ts';

/** A line of `--ndjson`. */
export type Told = RunEvent | ({ readonly event: 'summary' } & CliDocument);

export interface GroupEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  /** All that was told before the end, a line that was cut off left out. */
  readonly told: readonly Told[];
  readonly elapsedMs: number;
}

export interface GroupRun {
  readonly pid: number;
  /** So far. */
  readonly told: readonly Told[];
  /** SIGKILL to the whole group, if it still runs. */
  readonly kill: () => void;
  readonly ended: Promise<GroupEnd>;
  /** The most memory that the program has had, in bytes; the last value seen of one that has ended. */
  readonly peakBytes: () => Promise<number>;
}

interface GroupOptions {
  /** A command that starts it: `['strace', '-f', …]`. */
  readonly before?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Hears each line of `--ndjson` as it comes. */
  readonly onTold?: (told: Told) => void;
}

export type StartGroup = (args: readonly string[], options?: GroupOptions) => GroupRun;

/** Runs the built program, each in a process group of its own; what still runs after a test is killed. */
export function useProcessGroups(): StartGroup {
  const running = new Set<ChildProcess>();
  afterEach(() => {
    for (const child of running) killGroup(child);
    running.clear();
  });
  return (args, options = {}) => {
    const [command = '', ...rest] = [...(options.before ?? []), process.execPath, PROGRAM, ...args];
    const child = spawn(command, rest, {
      detached: true,
      // Not what the tests' own environment says of colours, CI or ccxri.
      env: { PATH: process.env['PATH'], ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    running.add(child);
    child.once('close', () => running.delete(child));
    return watch(child, options.onTold);
  };
}

function watch(child: ChildProcess, onTold: GroupOptions['onTold']): GroupRun {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('no pipes');
  const startMs = performance.now();
  const told: Told[] = [];
  let errors = '';
  let peakBytes = 0;
  stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const lines = createInterface({ input: stdout });
  lines.on('line', (line) => {
    const parsed = parseLine(line);
    if (parsed === undefined) return;
    told.push(parsed);
    onTold?.(parsed);
  });
  const closed = new Promise((resolve) => lines.once('close', resolve));
  const ended = new Promise<Omit<GroupEnd, 'told'>>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code, signal, stderr: errors, elapsedMs: performance.now() - startMs });
    });
  });
  return {
    pid: child.pid ?? 0,
    told,
    kill: () => killGroup(child),
    ended: ended.then(async (end) => {
      await closed;
      return { ...end, told };
    }),
    peakBytes: async () => {
      const status = await readFile(`/proc/${child.pid ?? 0}/status`, 'utf8').catch(() => '');
      const kibibytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
      peakBytes = Math.max(peakBytes, kibibytes * 1024);
      return peakBytes;
    },
  };
}

/** undefined: a line that a kill has cut off, or that is no event. */
function parseLine(line: string): Told | undefined {
  try {
    return JSON.parse(line) as Told;
  } catch {
    return undefined;
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // It has ended this moment.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

export function summaryOf(end: Pick<GroupEnd, 'told'>): CliDocument | undefined {
  const last = end.told.at(-1);
  return last?.event === 'summary' ? last : undefined;
}
