import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../clock.ts';

/** An output stream as a process has it; a plain stream serves where there is no terminal. */
export type OutStream = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
};

/** The world as the command line sees it, by argument: src/cli/main.ts alone has the real one. */
export interface CliIo {
  readonly stdout: OutStream;
  readonly stderr: OutStream;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts with a StopRequest as its reason when the process is told to stop. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** How text is laid out. */
export interface View {
  /** Columns that may be used. */
  readonly width: number;
  readonly color: boolean;
  readonly verbose: boolean;
}

/** Nothing says how wide the paper is: lines are as long as they are, for `grep` and files. */
const DEFAULT_WIDTH = Infinity;

export function widthOf(stream: OutStream): number {
  const { columns } = stream;
  return columns === undefined || columns < 1 ? DEFAULT_WIDTH : columns;
}

/**
 * `auto`: colours on a terminal, but in no CI log. NO_COLOR (https://no-color.org) and FORCE_COLOR
 * have a say.
 */
export function wantsColor(
  choice: 'auto' | 'never' | 'always',
  stream: OutStream,
  env: CliIo['env'],
): boolean {
  if (choice !== 'auto') return choice === 'always';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return isLiveTerminal(stream, env);
}

/** A terminal on which a line may be drawn over: no CI log, no dumb terminal. */
export function isLiveTerminal(stream: OutStream, env: CliIo['env']): boolean {
  return stream.isTTY === true && !isCi(env) && env['TERM'] !== 'dumb';
}

export function isCi(env: CliIo['env']): boolean {
  return !['', '0', 'false'].includes(env['CI'] ?? '');
}
