import { Readable, Writable } from 'node:stream';
import { run } from '../../src/cli/run.ts';
import type { ExitCode } from '../../src/cli/exit-codes.ts';
import { systemClock, type Clock } from '../../src/clock.ts';

/** A stream that keeps what is written to it; a terminal where `columns` is given. */
export class Paper extends Writable {
  text = '';
  readonly isTTY: boolean;
  columns: number | undefined;
  readonly rows: number | undefined;

  constructor(columns?: number, rows = 24) {
    super({ decodeStrings: false });
    this.isTTY = columns !== undefined;
    this.columns = columns;
    this.rows = columns === undefined ? undefined : rows;
  }

  override _write(
    chunk: string | Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.text += chunk.toString();
    done();
  }
}

export interface CliRun {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliWorld {
  readonly env?: Readonly<Record<string, string>>;
  /** Where a dataset directory is looked for. Default: where the tests run. */
  readonly cwd?: string;
  /** Both outputs are a terminal so wide. Default: no terminal. */
  readonly columns?: number;
  /** What a person types, at a terminal. Default: nobody is there. */
  readonly typed?: string;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/** Runs a command line in this process, in a world made for it. */
export async function runCli(argv: readonly string[], world: CliWorld = {}): Promise<CliRun> {
  const stdout = new Paper(world.columns);
  const stderr = new Paper(world.columns);
  const stdin: Readable & { isTTY?: boolean } = Readable.from([world.typed ?? '']);
  stdin.isTTY = world.typed !== undefined;
  const code = await run(argv, {
    stdout,
    stderr,
    stdin,
    env: world.env ?? {},
    cwd: world.cwd ?? process.cwd(),
    signal: world.signal ?? new AbortController().signal,
    clock: world.clock ?? systemClock,
    nodeVersion: process.versions.node,
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** The one document of `--json`, or the last line of `--ndjson`. */
export interface CliDocument {
  readonly event?: string;
  readonly command: string | null;
  readonly ok: boolean;
  readonly exitCode: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly result: unknown;
  readonly errors: readonly {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly file?: string;
    readonly reasons?: readonly string[];
  }[];
}

export function documentOf(stdout: string): CliDocument {
  return JSON.parse(stdout) as CliDocument;
}

/** The lines of `--ndjson`. */
export function eventsOf(stdout: string): readonly { readonly event: string }[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string });
}
