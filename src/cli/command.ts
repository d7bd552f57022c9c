import type { Clock } from '../clock.ts';
import type { CcxriError } from '../errors.ts';
import type { EventListener } from '../events.ts';
import type { View } from './io.ts';
import type { CommandName, OptionKey, Settings } from './options.ts';

/** What a command is given: what was asked for, and the world by argument. */
export interface CommandContext {
  readonly settings: Settings;
  /** The positional argument, where there is one. */
  readonly argument: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly onEvent: EventListener;
  /**
   * Completes the commands (in backticks) of a text that is shown, with where and of what the user
   * typed this run to be.
   */
  readonly suggest: (text: string) => string;
  /** Asks a person; undefined where there is nobody to ask. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
}

/** How a command came out. It prints nothing itself. */
export interface CommandOutcome {
  /** What `--json` shows as `result`. */
  readonly result: unknown;
  /** How many files (or rows, or findings) of each kind: for scripts that only count. */
  readonly counts: Readonly<Record<string, number>>;
  /** What is not as it should be; the exit code is that of the most severe. */
  readonly errors: readonly CcxriError[];
  /** The result as text, for stdout. */
  readonly render: (view: View) => string;
  /** true: the text only tells that the work was done, and `--quiet` leaves it out. */
  readonly isTalk: boolean;
}

type CommandRun = (context: CommandContext) => Promise<CommandOutcome>;

export interface CommandSpec {
  readonly name: CommandName;
  readonly summary: string;
  readonly argument?: {
    readonly usage: string;
    readonly help: string;
    /** The option that it is another way to give. */
    readonly option?: OptionKey | undefined;
  };
  /** Command lines with what they do. */
  readonly examples: readonly (readonly [string, string])[];
  /** Loaded when it is run, so that `--version` and `list` start fast. */
  readonly load: () => Promise<CommandRun>;
}
