import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, afterEach } from 'vitest';

/** A process of its own that runs code of the project, watched line by line. */
export interface Child {
  readonly pid: number;
  /** The next line on stdout; undefined: it has ended. */
  nextLine(): Promise<string | undefined>;
  /** Sends a line to its stdin. */
  tell(line: string): void;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<ChildEnd>;
}

interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

const WORKERS = {
  'hash-worker': join(import.meta.dirname, '../../src/hash/hash-worker.ts'),
  'unpack-worker': join(import.meta.dirname, '../../src/zip/unpack-worker.ts'),
};

/**
 * Builds a TypeScript file of test/support/ into one script, once a test file, and starts it as often
 * as wanted. What still runs after a test is killed.
 */
export function useChildren(entry: string): {
  /** @param before a command that starts it: `['strace', '-f', …]` */
  start(args: readonly string[], before?: readonly string[]): Promise<Child>;
} {
  const running = new Set<ChildProcess>();
  let built: Promise<string> | undefined;
  let directory: string | undefined;
  afterEach(() => {
    for (const child of running) child.kill('SIGKILL');
    running.clear();
  });
  afterAll(async () => {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });
  const bundle = async () => {
    directory = await mkdtemp(join(tmpdir(), 'ccxri-child-'));
    const name = basename(entry, '.ts');
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
    await build({
      // The threads' code lies beside it, as beside the program.
      entryPoints: { [name]: join(import.meta.dirname, entry), ...WORKERS },
      outdir: directory,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      // undici asks for node:assert as CommonJS does.
      banner: {
        // As in scripts/build.ts: bundled code may import it by its own name.
        js: "import { createRequire as childCreateRequire } from 'node:module'; const require = childCreateRequire(import.meta.url);",
      },
      logLevel: 'silent',
    });
    return join(directory, `${name}.js`);
  };
  return {
    async start(args, before = []) {
      built ??= bundle();
      const [command = '', ...rest] = [...before, process.execPath, await built, ...args];
      const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
      running.add(child);
      return watch(child);
    },
  };
}

function watch(child: ReturnType<typeof spawn>): Child {
  const { stdin, stdout, stderr, pid } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('no pipes');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  let errors = '';
  stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  // A child that was killed does not read what it is told.
  stdin.on('error', () => undefined);
  return {
    pid: pid ?? 0,
    nextLine: async () => {
      const line = await lines.next();
      return line.done === true ? undefined : line.value;
    },
    tell: (line) => void stdin.write(`${line}\n`),
    kill: (signal) => void child.kill(signal),
    ended: new Promise((resolve) => {
      child.on('close', (code, signal) => resolve({ code, signal, stderr: errors }));
    }),
  };
}
