import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';

/** The built program. */
export const PROGRAM = fileURLToPath(new URL('../../dist/bin/ccxri.js', import.meta.url));

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProgram {
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Resolves when stdout has said it; rejects when the program ends before. */
  readonly hasSaid: (pattern: RegExp) => Promise<void>;
  /** Its stdout until now. */
  readonly saidSoFar: () => string;
  readonly ended: Promise<ProgramEnd>;
}

/** Starts the built program, and other commands, as processes; what still runs after a test is killed. */
export function useProgram() {
  const running = new Set<ChildProcess>();
  afterEach(() => {
    for (const child of running) child.kill('SIGKILL');
    running.clear();
  });

  const start = (
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): RunningProgram => {
    // Not what the tests' own environment says of colours, CI or ccxri.
    const child = spawn(command, args, {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    let [stdout, stderr] = ['', ''];
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    const ended = new Promise<ProgramEnd>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        running.delete(child);
        resolve({ code, signal, stdout, stderr });
      });
    });
    const hasSaid = (pattern: RegExp) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if (pattern.test(stdout)) resolve();
        };
        child.stdout.on('data', look);
        child.on('close', () => reject(new Error(`ended without ${pattern}: ${stdout}${stderr}`)));
        look();
      });
    return { kill: (signal) => void child.kill(signal), hasSaid, saidSoFar: () => stdout, ended };
  };

  return {
    /** Runs it to its end. */
    ccxri: (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      start(process.execPath, [PROGRAM, ...args], env).ended,
    startCcxri: (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      start(process.execPath, [PROGRAM, ...args], env),
    /** Runs a line of bash, in which $ccxri is the program. */
    bash: (line: string, env: Readonly<Record<string, string>> = {}) =>
      start('bash', ['--norc', '-c', line], { ...env, ccxri: `${process.execPath} ${PROGRAM}` })
        .ended,
    /** Runs any other command to its end. */
    command: (name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      start(name, args, env).ended,
  };
}
