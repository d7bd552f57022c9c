#!/usr/bin/env node
// The entry: the only file that touches the process. Its static imports are light, so that
// `--version` is as fast as Node.
import { readVersion } from '../fs/package-version.ts';
import { isNodeNewEnough, OLDEST_NODE } from './version.ts';

type StopWords = Pick<typeof import('./start.ts'), 'STOP_SIGNALS' | 'StopRequest'>;

/** How long open handles may keep the process after the result has been written. */
const LINGER_MS = 500;

async function main(argv: readonly string[]): Promise<void> {
  if (!isNodeNewEnough(process.versions.node)) {
    const has = process.versions.node;
    process.stderr.write(`error: ccxri needs Node ${OLDEST_NODE} or newer; this is ${has}\n`);
    process.exitCode = 2;
    return;
  }
  const [first] = argv;
  if (argv.length === 1 && (first === '--version' || first === '-V')) {
    await writeText(`${readVersion()}\n`);
    return;
  }
  if (first === '__complete') {
    // A shell asks for each press of Tab: no more is loaded than what answers it.
    const { answer } = await import('./complete-words.ts');
    await writeText(answer(argv.slice(1), { cwd: process.cwd(), env: process.env }));
    return;
  }
  const { run, systemClock: clock, STOP_SIGNALS, StopRequest } = await import('./start.ts');
  const { stdout, stderr, stdin, env } = process;
  const signal = listenForSignals({ STOP_SIGNALS, StopRequest });
  const nodeVersion = process.versions.node;
  const cwd = process.cwd();
  const program = ownCommand();
  const io = { stdout, stderr, stdin, env, cwd, signal, clock, nodeVersion, program };
  leave(await run(argv, io));
}

/** How to start this program once more. undefined: it is in no file of its own. */
function ownCommand(): readonly [string, ...string[]] | undefined {
  const [, script] = process.argv;
  if (script === undefined) return undefined;
  // Two processes can't be debugged at one port.
  const flags = process.execArgv.filter((flag) => !flag.startsWith('--inspect'));
  return [process.execPath, ...flags, script];
}

function writeText(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') {
        process.exitCode = 6;
        process.stderr.write(`error: could not write to stdout (${error.code ?? error.message})\n`);
      }
      resolve();
    });
    process.stdout.write(text, () => resolve());
  });
}

/**
 * The first signal stops the run cleanly, the second at once. Windows has none but Ctrl-C and Ctrl-Break, and SIGHUP
 * for a window that is closed, which leaves ten seconds; elsewhere SIGBREAK is the name of nothing.
 */
function listenForSignals({ STOP_SIGNALS, StopRequest }: StopWords): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(STOP_SIGNALS[name]);
      controller.abort(new StopRequest(name));
    });
  }
  return controller.signal;
}

/** All output is written by now; a handle left open must not keep the process alive. */
function leave(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), LINGER_MS).unref();
}

function crash(error: unknown): void {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // Here, too: where so few files may be open, no other file of the program can be loaded.
  if (code === 'EMFILE') {
    const text = `too many files are open (EMFILE)\nnext: allow more of them with \`ulimit -n 1024\``;
    process.stderr.write(`error: ${text}\n`, () => process.exit(6));
    return;
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const isVerbose = process.argv.includes('-v') || process.argv.includes('--verbose');
  const stack = isVerbose && error instanceof Error ? `${error.stack ?? ''}\n` : '';
  process.stderr.write(
    `error: ${text}\n  this is a bug in ccxri; what was on disk is kept\n${stack}`,
    () => process.exit(1),
  );
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
main(process.argv.slice(2)).catch(crash);
