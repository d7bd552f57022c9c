import type { OptionKey } from './options-schema.ts';

export const COMMAND_NAMES = [
  'list',
  'fetch',
  'verify',
  'extract',
  'join',
  'status',
  'links',
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
  /** May be given several times; what parts several values in the variable. */
  readonly list?: 'comma' | 'newline' | undefined;
  readonly help: string;
  /** Shown in the help; the schema applies it. */
  readonly default?: string | undefined;
  /** The form of the value, for errors: `a whole number from 1 to 64`. */
  readonly expects?: string | undefined;
  /** Its value is never shown. */
  readonly secret?: boolean | undefined;
  readonly commands: readonly CommandName[] | 'all';
}

const ALL = 'all';

/** Where the dataset goes when nothing says so; the demo's stays out of its way. */
export const DEFAULT_DEST = './cc-cxri';
export const DEMO_DEST = './ccxri-demo';

/**
 * The one table of options: the parser, the environment variables, the help and the README's table
 * are made of it. options-schema.ts has the form of each value.
 */
export const OPTIONS: Readonly<Record<OptionKey, OptionSpec>> = {
  subset: {
    long: '--subset',
    value: 'NAME',
    list: 'comma',
    help: 'a subset with its labels; repeatable, or a,b; "all" is everything',
    expects: 'names of subsets, as chestdx-pe (`ccxri list` shows them)',
    commands: ALL,
  },
  file: {
    long: '--file',
    value: 'NAME',
    list: 'comma',
    help: 'one file, with or without .zip; repeatable, or a,b',
    expects: 'names of files, as ChestDx-22 (`ccxri list --subset all` shows them)',
    commands: ALL,
  },
  dest: {
    long: '--dest',
    value: 'DIR',
    help: `the dataset directory (of demo: ${DEMO_DEST})`,
    default: DEFAULT_DEST,
    expects: 'a directory',
    commands: ALL,
  },
  manifest: {
    long: '--manifest',
    value: 'FILE',
    help: 'another manifest (`ccxri manifest` writes one)',
    default: 'CC-CXRI 2.0',
    expects: 'a file',
    commands: ALL,
  },
  source: {
    long: '--source',
    value: 'WHERE',
    list: 'newline',
    help: "a directory, a base URL, or a page (live or saved .html); repeatable, tried in order (default: the manifest's homepage)",
    expects: 'a directory, a URL, or a saved page',
    commands: ALL,
  },
  header: {
    long: '--header',
    value: "'NAME: VALUE'",
    list: 'newline',
    help: 'sent with each request to the sources; repeatable. In the variable it stays out of `ps`',
    expects: "'Name: value'",
    secret: true,
    commands: ['fetch', 'links'],
  },
  concurrency: {
    long: '--concurrency',
    value: 'N',
    help: 'files worked on at once',
    default: '4; of verify and manifest: 8 for each processor, 24 at most',
    expects: 'a whole number from 1 to 64',
    commands: ['fetch', 'verify', 'extract', 'manifest'],
  },
  connections: {
    long: '--connections',
    value: 'N',
    help: 'connections in all',
    default: '8',
    expects: 'a whole number from 1 to 64',
    commands: ['fetch'],
  },
  limitRate: {
    long: '--limit-rate',
    value: 'RATE',
    help: 'bytes a second over all connections: 500K, 10M, 1G (units of 1000)',
    expects: 'a number with K, M or G (units of 1000), 1K or more',
    commands: ['fetch'],
  },
  retries: {
    long: '--retries',
    value: 'N',
    help: 'attempts without progress before a source is left for the next',
    default: '10',
    expects: 'a whole number from 0 to 1000',
    commands: ['fetch'],
  },
  timeout: {
    long: '--timeout',
    value: 'S',
    help: 'seconds without bytes after which a connection is dropped and taken up again',
    default: '30',
    expects: 'seconds from 1 to 3600',
    commands: ['fetch', 'links'],
  },
  noExtract: {
    long: '--no-extract',
    help: 'download and check only (no join either)',
    commands: ['fetch'],
  },
  noJoin: { long: '--no-join', help: 'do not write index.csv', commands: ['fetch'] },
  deleteArchives: {
    long: '--delete-archives',
    help: 'remove each archive once all its images are extracted and checked',
    commands: ['fetch'],
  },
  quick: {
    long: '--quick',
    help: 'size and time against the ledger; no byte is read',
    commands: ['verify'],
  },
  deep: {
    long: '--deep',
    help: 'also the CRC-32 of every image, in the archive and extracted',
    commands: ['verify'],
  },
  output: {
    long: '--output',
    short: '-o',
    value: 'FILE',
    help: 'write to this file (join: instead of index.csv; manifest: instead of stdout)',
    expects: 'a file',
    commands: ['join', 'manifest'],
  },
  strict: {
    long: '--strict',
    help: 'findings of the join, and disputed MD5s, are code 8',
    commands: ALL,
  },
  wait: {
    long: '--wait',
    help: 'wait for another ccxri in the same directory instead of code 10',
    commands: ALL,
  },
  dryRun: { long: '--dry-run', short: '-n', help: 'say what would be done', commands: ALL },
  yes: { long: '--yes', short: '-y', help: 'answer questions with yes', commands: ALL },
  noInput: { long: '--no-input', help: 'never ask', commands: ALL },
  json: { long: '--json', help: 'the result as one JSON document on stdout', commands: ALL },
  ndjson: {
    long: '--ndjson',
    help: 'events as JSON on stdout, one a line; the last is "summary"',
    commands: ALL,
  },
  quiet: { long: '--quiet', short: '-q', help: 'errors only', commands: ALL },
  verbose: { long: '--verbose', short: '-v', help: 'more of everything', commands: ALL },
  noProgress: { long: '--no-progress', help: 'no bars and no heartbeat', commands: ALL },
  color: {
    long: '--color',
    value: 'WHEN',
    help: 'auto, never or always',
    default: 'auto',
    expects: 'auto, never or always',
    commands: ALL,
  },
};

export const OPTION_KEYS: readonly OptionKey[] = keysOf(OPTIONS);

/** Of two in a group only one makes sense. Where one is typed, a variable for another gives way. */
export const EXCLUSIVE: readonly (readonly OptionKey[])[] = [
  ['json', 'ndjson'],
  ['quiet', 'verbose'],
  ['quick', 'deep'],
  ['noExtract', 'deleteArchives'],
];

export function takesOption(command: CommandName, key: OptionKey): boolean {
  const { commands } = OPTIONS[key];
  return commands === 'all' || commands.includes(command);
}

/** `CCXRI_LIMIT_RATE` of `--limit-rate`. */
export function variableOf(key: OptionKey): string {
  return `CCXRI_${OPTIONS[key].long.slice(2).replaceAll('-', '_').toUpperCase()}`;
}

function keysOf<Key extends string>(table: Readonly<Record<Key, unknown>>): readonly Key[] {
  const keys: Key[] = [];
  for (const key in table) keys.push(key);
  return keys;
}

/** `-o, --output FILE` */
export function usageOf(key: OptionKey): string {
  const { long, short, value } = OPTIONS[key];
  return `${short === undefined ? '' : `${short}, `}${long}${value === undefined ? '' : ` ${value}`}`;
}

/** Every option with its variable, as a Markdown table for the README. */
export function optionsMarkdown(): string {
  const rows = OPTION_KEYS.map((key) => {
    const { help, commands } = OPTIONS[key];
    const where = commands === 'all' ? 'all' : commands.join(', ');
    const cells = [`\`${usageOf(key)}\``, `\`${variableOf(key)}\``, where, describe(key, help)];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| option | variable | commands | |', '| --- | --- | --- | --- |', ...rows, ''].join(
    '\n',
  );
}

/** `ccxri help options`. */
export function variablesHelp(): string {
  const width = Math.max(...OPTION_KEYS.map((key) => usageOf(key).length)) + 2;
  const lines = OPTION_KEYS.map((key) => `  ${usageOf(key).padEnd(width)}${variableOf(key)}`);
  return [
    'Every option has its variable; flags win.',
    'Flags take 1 or 0, true or false, yes or no. Separate subsets and files by commas,',
    'sources and headers by newlines.',
    '',
    ...lines,
    '',
  ].join('\n');
}

export function describe(key: OptionKey, help: string): string {
  const { default: byDefault } = OPTIONS[key];
  return byDefault === undefined ? help : `${help} (default: ${byDefault})`;
}
