import type { NextStep } from '../errors.ts';
import { nearestOf } from '../manifest/manifest.ts';
import { COMMAND_NAMES, type CommandName, type OptionKey } from './options.ts';

/** What other programs, and people, call a command. */
const COMMAND_WORDS: Readonly<Record<string, CommandName>> = {
  download: 'fetch',
  dl: 'fetch',
  wget: 'fetch',
  get: 'fetch',
  pull: 'fetch',
  clone: 'fetch',
  sync: 'fetch',
  update: 'fetch',
  resume: 'fetch',
  continue: 'fetch',
  retry: 'fetch',
  install: 'fetch',
  search: 'query',
  find: 'query',
  count: 'query',
  select: 'query',
  filter: 'query',
  ls: 'list',
  show: 'list',
  info: 'list',
  subsets: 'list',
  files: 'list',
  cite: 'list',
  check: 'verify',
  validate: 'verify',
  test: 'verify',
  hash: 'verify',
  md5: 'verify',
  fsck: 'verify',
  unzip: 'extract',
  unpack: 'extract',
  index: 'join',
  merge: 'join',
  csv: 'join',
  lint: 'audit',
  labels: 'join',
  statistics: 'stats',
  summary: 'stats',
  describe: 'stats',
  st: 'status',
  state: 'status',
  progress: 'status',
  url: 'links',
  urls: 'links',
  sources: 'links',
  diagnose: 'doctor',
  ping: 'doctor',
  example: 'demo',
  try: 'demo',
};

/** The command that a word means: another name of it, or nearly its own; undefined: none is known. */
export function commandMeant(typed: string): CommandName | undefined {
  const word = typed.toLowerCase();
  const key = Object.keys(COMMAND_WORDS).find((each) => each === word);
  if (key !== undefined) return COMMAND_WORDS[key];
  const nearest = nearestOf(word, COMMAND_NAMES, (name) => name);
  return COMMAND_NAMES.find((name) => name === nearest);
}

const advice = (text: string): NextStep => ({ kind: 'advice', text });

/** Options of other programs, and what there is for them here. */
const OPTION_WORDS: readonly (readonly [words: string, meant: OptionKey | NextStep])[] = [
  [
    '--out --outdir --output-dir --dir --directory --data-dir --root --target --to -d -P -C',
    'dest',
  ],
  ['--jobs --threads --workers --parallel --processes -j', 'concurrency'],
  ['--mirror --url --from --base-url --page', 'source'],
  ['--rate --bwlimit --max-rate --speed', 'limitRate'],
  ['--name --archive', 'file'],
  ['--part --category --dataset', 'subset'],
  ['--silent -s', 'quiet'],
  ['--debug', 'verbose'],
  ['--user-agent -A -H', 'header'],
  ['--test --simulate', 'dryRun'],
  ['--labels --class --finding --findings', 'label'],
  ['--exclude --exclude-label --without', 'withoutLabel'],
  ['--patient --patient-ids', 'patients'],
  ['--image --image-list', 'images'],
  ['--max --max-images --sample', 'limit'],
  ['--controls --normal', 'normals'],
  ['--random-seed --random-state', 'seed'],
  ['--all', advice('say --subset all for everything')],
  ['--resume --continue -c', advice('leave it out: what is here is kept and continued anyway')],
  [
    '--force --overwrite -f',
    advice('leave it out: `ccxri verify` finds what is wrong, `ccxri fetch` gets it anew'),
  ],
  ['--proxy -x', advice('set HTTPS_PROXY=http://proxy.example:3128 instead')],
  [
    '--insecure --no-check-certificate -k',
    advice('name the CA file instead: NODE_EXTRA_CA_CERTS=/path/ca.pem'),
  ],
  ['--version -V', advice('run `ccxri --version`')],
];

/** What an unknown option means here; undefined: nothing is known. */
export function optionMeant(typed: string): OptionKey | NextStep | undefined {
  return OPTION_WORDS.find(([words]) => words.split(' ').includes(typed))?.[1];
}

const ON = /^(?:on|yes|true|1|force|ansi)$/i;
const OFF = /^(?:off|no|none|false|0|plain)$/i;

type ValueGuess = (typed: string) => string | undefined;

const VALUE_GUESSES: Partial<Record<OptionKey, ValueGuess>> = {
  color: (typed) => {
    if (ON.test(typed)) return 'always';
    if (OFF.test(typed)) return 'never';
    return nearestOf(typed.toLowerCase(), ['auto', 'never', 'always'], (each) => each);
  },
  timeout: (typed) => {
    const [, number = '', unit = ''] = /^(\d+)\s*(s|m)[a-z]*$/i.exec(typed) ?? [];
    if (unit === '') return undefined;
    return /m/i.test(unit) ? String(Number(number) * 60) : number;
  },
  limitRate: (typed) => {
    // Bits: an eighth of the bytes.
    const bits = /^(\d+(?:\.\d+)?)\s*([kmg])b(?:it|its|ps)?(?:\/s)?$/i.exec(typed);
    const [, number = '', unit = ''] = bits ?? [];
    return unit === '' ? undefined : `${Number(number) / 8}${unit.toUpperCase()}`;
  },
  concurrency: mostOf,
  connections: mostOf,
};

function mostOf(typed: string): string | undefined {
  return /^(?:max|all|unlimited)$/i.test(typed) ? '64' : undefined;
}

/** The value that somebody means who typed one of another form; undefined: nothing is known. */
export function valueMeant(key: OptionKey, typed: string): string | undefined {
  return VALUE_GUESSES[key]?.(typed);
}
