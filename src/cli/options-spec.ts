import * as z from 'zod';
import { toNumber } from './options-values.ts';

export const COMMAND_NAMES = [
  'list',
  'query',
  'fetch',
  'verify',
  'repair',
  'members',
  'adopt',
  'extract',
  'join',
  'audit',
  'split',
  'export',
  'stats',
  'report',
  'status',
  'serve',
  'links',
  'plan',
  'lock',
  'doctor',
  'manifest',
  'demo',
] as const;

export type CommandName = (typeof COMMAND_NAMES)[number];

/** The headings of the help, in their order; the last is that of the options that hold everywhere. */
export const GROUPS = [
  'What',
  'Where',
  'Where from',
  'Where to',
  'How',
  'Network',
  'After the download',
  'Output, as for every command',
] as const;

type OptionGroup = (typeof GROUPS)[number];

/** What a command says of an option in words of its own. */
interface OwnWords {
  readonly help?: string;
  readonly default?: string | number;
  readonly group?: OptionGroup;
}

/** The same words for several commands. */
export function sameFor(
  commands: readonly CommandName[],
  words: OwnWords,
): Readonly<Partial<Record<CommandName, OwnWords>>> {
  return Object.fromEntries(commands.map((command) => [command, words]));
}

export interface OptionSpec {
  /** `--limit-rate` */
  readonly long: string;
  /** `-n` */
  readonly short?: string | undefined;
  /** `N`, `FILE`: absent of a flag. */
  readonly value?: string | undefined;
  /** May be given several times; what separates several values in the variable. */
  readonly list?: 'comma' | 'newline' | undefined;
  readonly group: OptionGroup;
  readonly help: string;
  /** Shown in the help. Where the option is absent, the library's function applies its default. */
  readonly default?: string | number | undefined;
  /** The text of the option or variable becomes a typed setting here. */
  readonly schema: z.ZodType;
  /** The form of the value, for errors: `a whole number from 1 to 64`. */
  readonly expects: string;
  /** Its value may be a path: `~` at its beginning is the home directory, also where no shell expands it. */
  readonly isPath?: boolean | undefined;
  /** Its value is never shown. */
  readonly secret?: boolean | undefined;
  /** The commands whose code reads it; every other refuses it. Absent: it holds everywhere. */
  readonly commands?: readonly CommandName[] | undefined;
  /** Where a command does something else with it than `help` and `default` say. */
  readonly own?: Readonly<Partial<Record<CommandName, OwnWords>>> | undefined;
}

/** A value as it was typed: true of a flag, else text, or texts where an option repeats. */
export type RawValue = boolean | string | readonly string[];

/** `CCXRI_STRICT=yes` as well as `--strict`. */
export const flag = <More extends Pick<OptionSpec, 'group' | 'commands' | 'own' | 'short'>>(
  long: string,
  help: string,
  more: More,
) => ({
  long,
  help,
  schema: z
    .union([
      z.boolean(),
      z.stringbool({ truthy: ['1', 'true', 'yes', 'on'], falsy: ['0', 'false', 'no', 'off'] }),
    ])
    .default(false),
  expects: '1 or 0, true or false, yes or no',
  ...more,
});

export const text = z.string().min(1);
export const file = { value: 'FILE', schema: text.optional(), expects: 'a file', isPath: true };

export const whole = (least: number, most: number) => ({
  value: 'N',
  schema: toNumber(/^[0-9]+$/, least, most),
  expects: `a whole number from ${least} to ${most}`,
});
