import * as z from 'zod';
import { DEFAULT_FILES_AT_ONCE } from '../concurrency.ts';
import { FIRST_CONNECTIONS, MOST_CONNECTIONS } from '../http/connection-count.ts';
import { LANES } from '../hash/kernel.ts';
import { DEFAULT_RETRY_POLICY, DEFAULT_TIMEOUT_MS } from '../http/retry.ts';
import { hashThreads } from '../threads/worker.ts';
import { HOST, connections, headers, names, rate, toNumber } from './options-values.ts';

export const COMMAND_NAMES = [
  'list',
  'fetch',
  'verify',
  'extract',
  'join',
  'status',
  'links',
  'doctor',
  'manifest',
  'demo',
] as const;

export type CommandName = (typeof COMMAND_NAMES)[number];

export interface OptionSpec {
  /** `--limit-rate` */
  readonly long: string;
  /** `-n` */
  readonly short?: string | undefined;
  /** `N`, `FILE`: absent of a flag. */
  readonly value?: string | undefined;
  /** May be given several times; what separates several values in the variable. */
  readonly list?: 'comma' | 'newline' | undefined;
  readonly help: string;
  /** Shown in the help. Where the option is absent, the library's function applies its default. */
  readonly default?: string | number | undefined;
  /** The text of the option or variable becomes a typed setting here. */
  readonly schema: z.ZodType;
  /** The form of the value, for errors: `a whole number from 1 to 64`. */
  readonly expects: string;
  /** Its value is never shown. */
  readonly secret?: boolean | undefined;
  /** Absent: every command takes it. */
  readonly commands?: readonly CommandName[] | undefined;
}

/** A value as it was typed: true of a flag, else text, or texts where an option repeats. */
export type RawValue = boolean | string | readonly string[];

/** `CCXRI_STRICT=yes` as well as `--strict`. */
const flag = (
  long: string,
  help: string,
  more: { readonly short?: string; readonly commands?: readonly CommandName[] } = {},
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

const text = z.string().min(1);
const file = { value: 'FILE', schema: text.optional(), expects: 'a file' };

const whole = (least: number, most: number) => ({
  value: 'N',
  schema: toNumber(/^[0-9]+$/, least, most),
  expects: `a whole number from ${least} to ${most}`,
});

/** Where the dataset goes by default; the demo's has a directory of its own. */
export const DEFAULT_DEST = './cc-cxri';
export const DEMO_DEST = './ccxri-demo';

/**
 * The one table of options: the parser, the settings and their types, the environment variables, the
 * help and docs/options.md are made of it.
 */
const TABLE = {
  subset: {
    long: '--subset',
    value: 'NAME',
    list: 'comma',
    schema: names,
    help: 'a subset with its labels; repeatable, or a,b; "all" is everything',
    expects: 'names of subsets, such as chestdx-pe (`ccxri list` shows them)',
  },
  file: {
    long: '--file',
    value: 'NAME',
    list: 'comma',
    schema: names,
    help: 'one file, with or without .zip; repeatable, or a,b',
    expects: 'names of files, such as ChestDx-22 (`ccxri list --subset all` shows them)',
  },
  dest: {
    long: '--dest',
    value: 'DIR',
    schema: text.optional(),
    help: 'the dataset directory',
    default: `${DEFAULT_DEST}; of demo: ${DEMO_DEST}`,
    expects: 'a directory',
  },
  manifest: {
    long: '--manifest',
    ...file,
    help: 'another manifest (`ccxri manifest` writes one)',
    default: 'CC-CXRI 2.0',
  },
  source: {
    long: '--source',
    value: 'WHERE',
    list: 'newline',
    schema: z.array(text).default([]),
    help: 'a directory, a base URL, or a page (live or saved .html); repeatable, tried in order',
    default: "the manifest's homepage",
    expects: 'a directory, a URL, or a saved page',
  },
  pageUrl: {
    long: '--page-url',
    value: 'URL',
    schema: z.url({ protocol: /^https?$/ }).optional(),
    help: 'where a saved page was: its relative links refer to it',
    default: 'what the page says',
    expects: 'an http or https URL',
    commands: ['fetch', 'links', 'doctor'],
  },
  header: {
    long: '--header',
    value: "'NAME: VALUE'",
    list: 'newline',
    schema: headers,
    help: 'sent to the sources (User-Agent, Accept, Accept-Language and Referer to every server); repeatable. In the variable it stays out of `ps`',
    expects: "'Name: value'",
    secret: true,
    commands: ['fetch', 'links', 'doctor'],
  },
  headerHost: {
    long: '--header-host',
    value: 'HOST',
    list: 'comma',
    schema: names.refine((list) => list.every((item) => HOST.test(item))),
    help: 'another server that gets what --header says: one that the links of a saved page lead to; repeatable, or a,b',
    expects: 'names of hosts, such as files.example.org or files.example.org:8443',
    commands: ['fetch', 'links', 'doctor'],
  },
  concurrency: {
    long: '--concurrency',
    ...whole(1, 64),
    help: 'files worked on at once',
    default: `${DEFAULT_FILES_AT_ONCE}; of verify and manifest: ${LANES} for each processor, ${hashThreads(Infinity) * LANES} at most`,
    commands: ['fetch', 'verify', 'extract', 'manifest'],
  },
  connections: {
    long: '--connections',
    value: 'N',
    schema: connections,
    help: `connections in all: a number, or auto: ${FIRST_CONNECTIONS}, and more while that is faster, up to ${MOST_CONNECTIONS}; auto:32 goes up to 32`,
    default: 'auto',
    expects: 'a whole number from 1 to 64, auto, or auto:N, as auto:32',
    commands: ['fetch'],
  },
  limitRate: {
    long: '--limit-rate',
    value: 'RATE',
    schema: rate.optional(),
    help: 'bytes per second over all connections: 500K, 10M, 1G (units of 1000)',
    expects: 'a number with K, M or G (units of 1000), 1K or more',
    commands: ['fetch'],
  },
  retries: {
    long: '--retries',
    ...whole(0, 1000),
    help: 'attempts without progress, for a file or a page, before the next source is tried',
    default: DEFAULT_RETRY_POLICY.retries,
    commands: ['fetch'],
  },
  timeout: {
    long: '--timeout',
    value: 'S',
    schema: toNumber(/^[0-9]+(?:\.[0-9]+)?$/, 1, 3600),
    help: 'seconds without data before a connection is dropped and the download resumed',
    default: DEFAULT_TIMEOUT_MS / 1000,
    expects: 'seconds from 1 to 3600',
    commands: ['fetch', 'links', 'doctor'],
  },
  noExtract: flag('--no-extract', 'download and check only (no join either)', {
    commands: ['fetch'],
  }),
  noJoin: flag('--no-join', 'do not write index.csv', { commands: ['fetch'] }),
  deleteArchives: flag(
    '--delete-archives',
    'remove each archive once all its images are extracted and checked',
    { commands: ['fetch'] },
  ),
  keepGood: flag(
    '--keep-good',
    'of an archive with damaged members publish the good ones (still code 3)',
    { commands: ['fetch', 'extract'] },
  ),
  quick: flag('--quick', 'size and time against the ledger; no byte is read', {
    commands: ['verify'],
  }),
  deep: flag('--deep', 'also the CRC-32 of every image, in the archive and extracted', {
    commands: ['verify'],
  }),
  output: {
    long: '--output',
    short: '-o',
    ...file,
    help: 'write to this file (join: instead of index.csv; manifest: instead of stdout)',
    commands: ['join', 'manifest'],
  },
  strict: flag('--strict', 'treat remarks of the join and disputed MD5s as errors (code 8)'),
  wait: flag('--wait', 'wait for another ccxri in the same directory instead of code 10'),
  dryRun: flag('--dry-run', 'show what would be done, and do nothing', { short: '-n' }),
  yes: flag('--yes', 'answer yes to every question', { short: '-y' }),
  noInput: flag('--no-input', 'never ask'),
  json: flag('--json', 'the result as one JSON document on stdout'),
  ndjson: flag('--ndjson', 'events as JSON on stdout, one per line; the last is "summary"'),
  quiet: flag('--quiet', 'errors only', { short: '-q' }),
  verbose: flag('--verbose', 'more of everything', { short: '-v' }),
  noProgress: flag('--no-progress', 'no bars and no heartbeat'),
  color: {
    long: '--color',
    value: 'WHEN',
    schema: z.enum(['auto', 'never', 'always']).default('auto'),
    help: 'auto, never or always',
    default: 'auto',
    expects: 'auto, never or always',
  },
} satisfies Record<string, OptionSpec>;

export type OptionKey = keyof typeof TABLE;

export const OPTIONS: Readonly<Record<OptionKey, OptionSpec>> = TABLE;

export const OPTION_KEYS: readonly OptionKey[] = keysOf(TABLE);

/** The form of all options together: the border at which text becomes typed settings. */
export const settingsSchema = z.strictObject(schemasOf(TABLE));

/** What was asked for, from flags and environment together. `timeout` is in seconds. */
export type Settings = Readonly<z.output<typeof settingsSchema>>;

function keysOf<Key extends string>(table: Readonly<Record<Key, unknown>>): readonly Key[] {
  const keys: Key[] = [];
  for (const key in table) keys.push(key);
  return keys;
}

/** The overload keeps the type of each option's schema. */
function schemasOf<Table extends Record<string, OptionSpec>>(
  table: Table,
): { readonly [Key in keyof Table]: Table[Key]['schema'] };
function schemasOf(table: Record<string, OptionSpec>): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(table).map(([key, { schema }]) => [key, schema]));
}

/** Options and variables as they were typed. */
export type RawOptions = Readonly<Partial<Record<OptionKey, RawValue>>>;

/** Of two in a group only one makes sense. Where one is typed, a variable for another gives way. */
export const EXCLUSIVE: readonly (readonly OptionKey[])[] = [
  ['json', 'ndjson'],
  ['quiet', 'verbose'],
  ['quick', 'deep'],
  ['noExtract', 'deleteArchives'],
];

export function takesOption(command: CommandName, key: OptionKey): boolean {
  return OPTIONS[key].commands?.includes(command) ?? true;
}

/** `CCXRI_LIMIT_RATE` of `--limit-rate`. */
export function variableOf(key: OptionKey): string {
  return `CCXRI_${OPTIONS[key].long.slice(2).replaceAll('-', '_').toUpperCase()}`;
}

/** `-o, --output FILE` */
export function usageOf(key: OptionKey): string {
  const { long, short, value } = OPTIONS[key];
  return `${short === undefined ? '' : `${short}, `}${long}${value === undefined ? '' : ` ${value}`}`;
}
