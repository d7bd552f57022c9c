import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { isCcxriError, type ErrorCode } from '../../src/errors.ts';
import { assertPresentable } from './presentable.ts';
import type { Watchdog } from './watchdog.ts';

/** A parser under fuzz: what it is given, and what must hold of its answer. */
export interface FuzzTarget<Input, Raw = unknown> {
  /** Its name in the table and in `-t`. */
  readonly parser: string;
  readonly inputs: fc.Arbitrary<Input>;
  /** What the parser is given: bytes, a text, or plain data. */
  readonly build: (input: Input) => Raw;
  /**
   * Has the parser read it, and checks that what it took is right. `false`: refused without an error,
   * as mangled state is. Whatever it throws but a CcxriError of `codes` is an escape.
   * @param input its number, which is its path as well
   */
  readonly parse: (raw: Raw, input: number) => Promise<boolean> | boolean;
  readonly codes: readonly ErrorCode[];
  /** Behind the last input: what is cheaper to check of many at once. Throws what got through. */
  readonly finish?: () => void;
  /** Of so many inputs of the run one is tried: where one costs many times what others do. */
  readonly share?: number;
  /** There is nothing that it may take (or refuse). Default: both must have come up. */
  readonly always?: 'accepted' | 'refused';
}

/** A line of the table. */
export interface FuzzRow {
  readonly parser: string;
  readonly inputs: number;
  /** Without those that had been there before. */
  readonly different: number;
  readonly accepted: number;
  /** By error code; `absent`: read as if it were not there. */
  readonly refused: Readonly<Record<string, number>>;
  readonly escapes: number;
  /** Of processor time. */
  readonly slowestMs: number;
  /** The most that the process grew over one input, in MB. */
  readonly growthMb: number;
}

interface FuzzRun {
  readonly row: FuzzRow;
  /** undefined: nothing got through. */
  readonly failure: Error | undefined;
}

interface FuzzOptions {
  readonly runs: number;
  readonly seed: number;
  /** Of one input of an earlier run. */
  readonly path?: string | undefined;
  /** How that input is tried again, without the variables. */
  readonly command: string;
  readonly watchdog?: Watchdog | undefined;
  readonly limits?: FuzzLimits;
}

/** What one input may take. */
interface FuzzLimits {
  /** Of the processor: what takes more hangs, as far as a user can tell. */
  readonly cpuMs: number;
  /** Of time, where it only waits; longer, for a busy machine is no fault of the parser. */
  readonly waitMs: number;
}

const LIMITS: FuzzLimits = { cpuMs: 5000, waitMs: 30_000 };

/** Then the smallest input found so far is small enough. */
const MOST_SHRINKING_MS = 60_000;
/** What ccxri may need in all, whatever it is given. */
const MOST_GROWTH_BYTES = 250e6;

/** A target whose inputs are nobody else's business. */
export interface Fuzz {
  readonly parser: string;
  readonly share: number;
  readonly always: FuzzTarget<unknown>['always'];
  readonly run: (options: FuzzOptions) => Promise<FuzzRun>;
}

export function toFuzz<Input, Raw>(target: FuzzTarget<Input, Raw>): Fuzz {
  const { parser, share = 1, always } = target;
  return { parser, share, always, run: (options) => fuzz(target, options) };
}

/** Throws inputs at a parser; the first that gets through is made as small as it can be. */
async function fuzz<Input, Raw>(
  target: FuzzTarget<Input, Raw>,
  options: FuzzOptions,
): Promise<FuzzRun> {
  const { seed, path, watchdog, command, limits = LIMITS } = options;
  const tally = new Tally(target.parser, limits);
  watchdog?.watch(`${target.parser}\n  again: CCXRI_SEED=${seed} CCXRI_PATH=% ${command}`);
  const property = fc.asyncProperty(target.inputs, async (input) => {
    if (tally.isOutOfTime) return;
    const raw = target.build(input);
    tally.begin(raw);
    watchdog?.beat();
    await tally.measure(async () => {
      try {
        return (await inTime(target.parse(raw, tally.inputs - 1), limits)) ? 'accepted' : 'absent';
      } catch (error) {
        if (!isCcxriError(error, ...target.codes)) throw error;
        assertPresentable(error);
        return error.code;
      }
    });
  });
  const details = await fc.check(property, {
    seed,
    numRuns: Math.ceil(options.runs / (target.share ?? 1)),
    ...(path === undefined ? {} : { path, endOnFailure: true }),
  });
  watchdog?.rest();
  if (details.failed) return { row: tally.row(), failure: toFailure(target, details, options) };
  const failure = tally.catch(() => target.finish?.());
  return { row: tally.row(), failure };
}

async function inTime(
  answer: Promise<boolean> | boolean,
  { waitMs }: FuzzLimits,
): Promise<boolean> {
  if (typeof answer === 'boolean') return answer;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${waitMs} ms`)), waitMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Counts until the first input gets through: those tried to make it smaller are no inputs. */
class Tally {
  readonly #parser: string;
  readonly #limits: FuzzLimits;
  readonly #seen = new Set<string>();
  readonly #refused = new Map<string, number>();
  inputs = 0;
  #accepted = 0;
  #escapedAtMs: number | undefined;
  #slowestMs = 0;
  #growthBytes = 0;

  constructor(parser: string, limits: FuzzLimits) {
    this.#parser = parser;
    this.#limits = limits;
  }

  begin(raw: unknown): void {
    if (this.hasEscape) return;
    this.inputs += 1;
    const bytes = raw instanceof Uint8Array || typeof raw === 'string' ? raw : JSON.stringify(raw);
    this.#seen.add(createHash('md5').update(bytes).digest('base64'));
  }

  async measure(parse: () => Promise<string>): Promise<void> {
    const [startCpu, startBytes] = [process.cpuUsage(), process.memoryUsage.rss()];
    try {
      const answer = await parse();
      const { user, system } = process.cpuUsage(startCpu);
      const cpuMs = (user + system) / 1000;
      const growthBytes = process.memoryUsage.rss() - startBytes;
      if (cpuMs > this.#limits.cpuMs) throw new Error(`it took ${cpuMs} ms of the processor`);
      if (growthBytes > MOST_GROWTH_BYTES) throw new Error(`the process grew by ${growthBytes} B`);
      if (this.hasEscape) return;
      this.#slowestMs = Math.max(this.#slowestMs, cpuMs);
      this.#growthBytes = Math.max(this.#growthBytes, growthBytes);
      if (answer === 'accepted') this.#accepted += 1;
      else this.#refused.set(answer, (this.#refused.get(answer) ?? 0) + 1);
    } catch (error) {
      if (!this.hasEscape) this.#escapedAtMs = performance.now();
      throw error;
    }
  }

  get hasEscape(): boolean {
    return this.#escapedAtMs !== undefined;
  }

  /** To make the input that got through smaller. */
  get isOutOfTime(): boolean {
    return performance.now() - (this.#escapedAtMs ?? Infinity) > MOST_SHRINKING_MS;
  }

  /** What a last look at many inputs finds. */
  catch(look: () => void): Error | undefined {
    try {
      look();
      return undefined;
    } catch (error) {
      this.#escapedAtMs = performance.now();
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  row(): FuzzRow {
    return {
      parser: this.#parser,
      inputs: this.inputs,
      different: this.#seen.size,
      accepted: this.#accepted,
      refused: Object.fromEntries([...this.#refused].sort()),
      escapes: this.hasEscape ? 1 : 0,
      slowestMs: this.#slowestMs,
      growthMb: this.#growthBytes / 1e6,
    };
  }
}

/** More would not be read. */
const MOST_SHOWN = 6000;

function toFailure<Input, Raw>(
  { parser }: FuzzTarget<Input, Raw>,
  details: fc.RunDetails<[Input]>,
  { seed, command }: FuzzOptions,
): Error {
  const { counterexample, counterexamplePath, errorInstance: cause } = details;
  const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  const input = fc.stringify(counterexample?.[0]).slice(0, MOST_SHOWN);
  return new Error(
    [
      `${parser}: an input got through`,
      `  again: CCXRI_SEED=${seed} CCXRI_PATH=${counterexamplePath ?? ''} ${command}`,
      `  input: ${input}`,
      `  why:   ${why}`,
    ].join('\n'),
  );
}
