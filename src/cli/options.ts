import * as z from 'zod';
import { DEFAULT_FILES_AT_ONCE, DIRECTORIES_AT_ONCE } from '../concurrency.ts';
import { LANES, hashThreads } from '../threads/budget.ts';
import { ADOPT_OPTIONS } from './options-adopt.ts';
import { CHECK_OPTIONS } from './options-check.ts';
import { CHOICE_KEYS, CHOICE_OPTIONS } from './options-choice.ts';
import { CLUSTER_OPTIONS } from './options-cluster.ts';
import { NETWORK_OPTIONS } from './options-network.ts';
import { OUTPUT_OPTIONS } from './options-output.ts';
import { RECORD_OPTIONS } from './options-record.ts';
import { SERVE_OPTIONS } from './options-serve.ts';
import { MAKES_SPLIT, READING_WORDS, SETS_OPTIONS } from './options-sets.ts';
import { PLAN_OPTIONS } from './options-plan.ts';
import {
  COMMAND_NAMES,
  type CommandName,
  type OptionSpec,
  type RawValue,
  file,
  flag,
  sameFor,
  text,
  whole,
} from './options-spec.ts';
import { names } from './options-values.ts';

export { COMMAND_NAMES, type CommandName, type RawValue } from './options-spec.ts';

/** The commands that work on selected files of a manifest. */
const SELECTING = COMMAND_NAMES.filter(
  (name) => !['manifest', 'demo', 'config', 'completion'].includes(name),
);

/** The commands that work on a dataset directory that is there, or may be. */
const IN_PLACE = [
  ...['verify', 'repair', 'extract', 'join', 'audit', 'status', 'query', 'split'],
  ...['plan', 'lock'],
] as const;

const HASHED_AT_ONCE = {
  help: 'files read and hashed at once',
  default: `${LANES} for each processor, ${hashThreads(Infinity) * LANES} at most`,
  group: 'How',
} as const;

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
    group: 'What',
    schema: names,
    help: 'a subset with its labels; repeatable, or a,b; "all" is everything',
    expects: 'names of subsets, such as chestdx-pe (`ccxri list` shows them)',
    commands: SELECTING,
    own: {
      list: { help: 'show the files of a subset; repeatable, or a,b; "all" is every file' },
      verify: {
        help: 'check a subset; what of it is absent is missing (code 5); repeatable, or a,b',
        default: 'what is here',
      },
      repair: {
        help: 'look at the files of a subset; repeatable, or a,b',
        default: 'what is here',
      },
      members: { help: 'list the archives of a subset; repeatable, or a,b', default: 'all' },
      adopt: { help: 'take what is of a subset alone; repeatable, or a,b', default: 'everything' },
      extract: { help: 'unpack the archives of a subset; repeatable, or a,b', default: 'all here' },
      join: { help: 'with --output: the images of a subset alone; repeatable, or a,b' },
      audit: { help: 'the images of a subset; repeatable, or a,b', default: 'all here' },
      status: { help: 'show a subset; repeatable, or a,b', default: 'everything' },
      query: { help: 'images of a subset; repeatable, or a,b', default: 'everything' },
      split: { help: 'images of a subset; repeatable, or a,b', default: 'everything here' },
      serve: { help: 'serve the files of a subset alone; repeatable, or a,b', default: 'all here' },
      links: { help: 'look for the files of a subset; repeatable, or a,b', default: 'all files' },
      plan: { help: 'what is missing of a subset with its labels; repeatable, or a,b' },
      lock: { help: 'lock a subset with its labels; repeatable, or a,b; "all" is everything' },
      ...READING_WORDS.subset,
      doctor: {
        help: 'what you mean to fetch: its size decides what the disk must have; repeatable, or a,b',
        default: 'everything',
      },
    },
  },
  file: {
    long: '--file',
    value: 'NAME',
    list: 'comma',
    group: 'What',
    schema: names,
    help: 'one file, with or without .zip; repeatable, or a,b',
    expects: 'names of files, such as ChestDx-22 (`ccxri list --subset all` shows them)',
    commands: SELECTING,
    own: {
      list: {
        help: 'show one archive with its label file, or one file; .zip may be left out; repeatable, or a,b',
      },
      fetch: {
        help: 'one archive with its label file, or one file; .zip may be left out; repeatable, or a,b',
      },
      verify: {
        help: 'check one file, with or without .zip; absent, it is missing; repeatable, or a,b',
      },
      repair: {
        help: 'look at one file, also if it is as it was when it passed; repeatable, or a,b',
      },
      members: { help: 'list one archive, with or without .zip; repeatable, or a,b' },
      adopt: { help: 'take one file, or the images of one archive; repeatable, or a,b' },
      query: { help: 'images of one archive, with or without .zip; repeatable, or a,b' },
      split: { help: 'images of one archive, with or without .zip; repeatable, or a,b' },
      extract: { help: 'unpack one archive, with or without .zip; repeatable, or a,b' },
      join: { help: 'with --output: the images of one archive alone; repeatable, or a,b' },
      serve: { help: 'serve one file alone, with or without .zip; repeatable, or a,b' },
      ...READING_WORDS.file,
    },
  },
  ...CHOICE_OPTIONS,
  ...CLUSTER_OPTIONS,
  list: flag('--list', 'the images themselves, one a line', {
    group: 'What',
    commands: ['query', 'members'],
    own: { members: { help: 'the members themselves, one a line' } },
  }),
  csv: flag('--csv', 'the images themselves as CSV, with the columns of index.csv', {
    group: 'What',
    commands: ['query'],
  }),
  noLabels: flag('--no-labels', 'without the label files that come with it', {
    group: 'What',
    commands: ['list', 'fetch', 'plan', 'lock'],
    own: { list: { help: 'show archives without the label files that fetch gets with them' } },
  }),
  bibtex: flag('--bibtex', 'print the citation as a BibTeX entry, and nothing else', {
    group: 'What',
    commands: ['list'],
  }),
  dryRun: flag('--dry-run', 'show what would be done, and do nothing', {
    short: '-n',
    group: 'What',
    commands: [
      'fetch',
      'repair',
      'members',
      'adopt',
      'extract',
      'join',
      'split',
      'export',
      'doctor',
      'manifest',
      'demo',
    ],
    own: {
      export: { help: 'say which images there are, and what they take; write nothing' },
      split: { help: 'show the parts and their balance, but write nothing' },
      repair: { help: 'say what is damaged and what would be downloaded; write nothing' },
      members: { help: 'keep no member index; write nothing' },
      adopt: { help: 'look and read, and show what would be taken; write nothing' },
      join: { help: 'join and audit, but write nothing' },
      doctor: { help: 'write nothing: the disk is looked at, not tried' },
      manifest: { help: 'read and hash, but write no file' },
    },
  }),
  manifest: {
    long: '--manifest',
    ...file,
    group: 'What',
    help: 'another manifest (`ccxri manifest` writes one)',
    default: "the directory's own, else CC-CXRI 2.0",
    commands: [...SELECTING, 'manifest'],
    own: {
      manifest: {
        help: 'the manifest that says what the files of the directory are',
        default: 'CC-CXRI 2.0',
      },
    },
  },
  ...NETWORK_OPTIONS,
  ...SETS_OPTIONS,
  ...ADOPT_OPTIONS,
  ...SERVE_OPTIONS,
  ...PLAN_OPTIONS,
  dest: {
    long: '--dest',
    value: 'DIR',
    group: 'Where to',
    schema: text.optional(),
    help: 'the dataset directory',
    default: `the one that you are in, or ${DEFAULT_DEST}`,
    expects: 'a directory',
    isPath: true,
    commands: [...SELECTING, 'config', 'demo'],
    own: {
      list: { group: 'Where', help: 'the dataset directory whose manifest is shown' },
      links: { group: 'Where from', help: 'the dataset directory whose manifest is used' },
      ...sameFor(
        ['verify', 'repair', 'extract', 'join', 'audit', 'status', 'query', 'split', 'serve'],
        {
          group: 'Where',
        },
      ),
      ...sameFor(IN_PLACE, {
        group: 'Where',
      }),
      ...READING_WORDS.dest,
      config: { group: 'Where', help: 'the dataset directory whose settings are shown' },
      demo: {
        help: 'a directory for it',
        default: `that of the demo that you are in, or ${DEMO_DEST}`,
      },
    },
  },
  output: {
    long: '--output',
    short: '-o',
    ...file,
    group: 'Where to',
    help: 'write to this file',
    commands: ['join', 'report', 'plan', 'lock', 'manifest'],
    own: {
      report: {
        help: 'write the report to this file',
        default: 'report.html in the dataset directory',
        group: 'Where',
      },
      join: { help: 'write the index to this file', default: 'index.csv in the dataset directory' },
      plan: { help: 'write the list into this directory', default: 'stdout' },
      lock: {
        help: 'write the lockfile to this file',
        default: 'ccxri.lock.json beside the dataset directory',
      },
      manifest: { help: 'write the manifest to this file', default: 'stdout' },
    },
  },
  wait: flag('--wait', 'wait for another ccxri in the same directory instead of code 10', {
    group: 'Where to',
    commands: ['fetch', 'repair', 'members', 'adopt', 'extract'],
    own: { repair: { group: 'Where' }, members: { group: 'Where' }, extract: { group: 'Where' } },
  }),
  concurrency: {
    long: '--concurrency',
    ...whole(1, 64),
    group: 'Network',
    help: 'files worked on at once',
    default: DEFAULT_FILES_AT_ONCE,
    commands: ['fetch', 'verify', 'repair', 'members', 'extract', 'manifest'],
    own: {
      verify: HASHED_AT_ONCE,
      members: { help: 'directories read at once', default: DIRECTORIES_AT_ONCE },
      extract: { help: 'archives unpacked at once', group: 'How' },
      manifest: HASHED_AT_ONCE,
    },
  },
  ...CHECK_OPTIONS,
  ...OUTPUT_OPTIONS,
  ...RECORD_OPTIONS,
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
  ['list', 'csv'],
  ['csv', 'json'],
  ['csv', 'ndjson'],
  ['cacheKey', 'format'],
  ['noExtract', 'deleteArchives'],
  ['from', 'dest'],
  ...CHOICE_KEYS.flatMap((key) => [[key, 'noLabels'] as const, [key, 'shard'] as const]),
  ['noExtract', 'lowDisk'],
  ...CHOICE_KEYS.map((key) => [key, 'lowDisk'] as const),
  ...MAKES_SPLIT.map((key) => ['check', key] as const),
];

export function takesOption(command: CommandName, key: OptionKey): boolean {
  return OPTIONS[key].commands?.includes(command) ?? true;
}

/** The words, default and heading of an option in the help of a command. */
export function wordsOf(
  key: OptionKey,
  command: CommandName,
): Pick<OptionSpec, 'help' | 'default' | 'group'> {
  const { help, default: byDefault, group, own } = OPTIONS[key];
  return { help, default: byDefault, group, ...own?.[command] };
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
