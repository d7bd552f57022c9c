import type { NextOption, NextStep } from '../errors.ts';
import { formatDuration, quoteForShell, toPrintableLink } from '../text.ts';
import {
  OPTIONS,
  OPTION_KEYS,
  type OptionKey,
  type RawOptions,
  type RawValue,
  takesOption,
} from './options.ts';

/** What a suggested command consists of, besides what the user has typed. */
interface CommandParts {
  readonly argument?: string | undefined;
  readonly subsets?: readonly string[] | undefined;
  readonly files?: readonly string[] | undefined;
  /** By name, without the dashes. */
  readonly options?: Readonly<Record<string, RawValue>> | undefined;
}

/** What a user can do next, in words. */
export interface Suggest {
  /** A command in backticks, to be copied. */
  readonly command: (name: NextCommandName, parts?: CommandParts) => string;
  /** A command like `command`, with every other option of this run too, as of a dry run that is done then. */
  readonly again: (name: NextCommandName, parts?: CommandParts) => string;
  /** The next steps of an error or event as a sentence; undefined: nothing is known that helps. */
  readonly hintOf: HintOf;
}

export type HintOf = (of: {
  readonly next?: readonly NextStep[] | undefined;
}) => string | undefined;

type NextCommandName = (NextStep & { readonly kind: 'run' })['command'];

/**
 * @param typed the options of this run, which the suggested commands repeat
 * @param isDemo it works on a demo's directory: `ccxri demo` alone has a source for it
 */
export function suggestFor(typed: RawOptions, isDemo = false): Suggest {
  const render = (name: NextCommandName, parts: CommandParts) =>
    isDemo && SOURCE_COMMANDS.includes(name)
      ? `\`${renderCommand('demo', {}, typed)}\``
      : `\`${renderCommand(name, parts, typed)}\``;
  return {
    command: (name, parts = {}) => render(name, parts),
    again: (name, parts = {}) =>
      render(name, { ...parts, options: { ...othersOf(typed), ...parts.options } }),
    hintOf: ({ next = [] }) => {
      if (next.length === 0) return undefined;
      return renderNextSteps(isDemo && next.some(needsSource) ? DEMO_STEPS : next, typed);
    },
  };
}

const SOURCE_COMMANDS: readonly NextCommandName[] = ['fetch', 'repair', 'links'];
const SOURCE_OPTIONS: readonly NextOption[] = ['source', 'page-url', 'header', 'header-host'];
const DEMO_STEPS: readonly NextStep[] = [
  {
    kind: 'run',
    command: 'demo',
    purpose: 'to serve these files again and fetch what is missing',
  },
];

function needsSource(step: NextStep): boolean {
  if (step.or !== undefined && needsSource(step.or)) return true;
  if (step.kind === 'run') return SOURCE_COMMANDS.includes(step.command);
  return step.kind === 'option' && SOURCE_OPTIONS.includes(step.option);
}

/** The options of a run that the commands suggested next repeat, where they take them. */
const CARRIED: readonly OptionKey[] = ['dest', 'manifest', 'source'];

/** `ccxri manifest` is suggested where the manifest that was typed is wrong. */
function isCarried(key: OptionKey, name: NextCommandName): boolean {
  return name !== 'help' && name !== 'manifest' && takesOption(name, key);
}

/** What else was typed, by name, but what a command has otherwise, and secrets. */
function othersOf(typed: RawOptions): Readonly<Record<string, RawValue>> {
  const elsewhere: readonly string[] = ['subset', 'file', 'dryRun', ...CARRIED];
  const others = OPTION_KEYS.flatMap((key): readonly [string, RawValue][] => {
    const value = typed[key];
    const { long, secret } = OPTIONS[key];
    if (value === undefined || value === false || secret === true) return [];
    return elsewhere.includes(key) ? [] : [[long.slice(2), value]];
  });
  return Object.fromEntries(others);
}

/** How the advice to use an option reads if there is no value to give. */
const OPTION_TEXTS: Readonly<Record<NextOption, string>> = {
  'add-to-index': 'write index.csv with --add-to-index',
  'allow-whole': 'download whole archives with --allow-whole',
  connections: 'use fewer --connections',
  deep: 'look at every image with --deep',
  'delete-archives': 'delete each archive after its extraction with --delete-archives',
  dest: 'choose another directory with --dest DIR',
  'dry-run': 'look at what would be done with --dry-run',
  file: 'name files with --file NAME',
  force: 'add --force',
  format: 'name a format with --format NAME',
  header: 'send what the server asks for with --header "NAME: VALUE"',
  'header-host': 'name the host that your headers are for with --header-host HOST',
  host: 'name an address of this machine with --host ADDRESS',
  'keep-good': 'add --keep-good',
  label: 'name a label with --label NAME',
  lockfile: 'name a lockfile with --lockfile FILE',
  'log-file': 'name another file with --log-file FILE',
  'low-disk': 'work archive by archive with --low-disk',
  manifest: 'name its manifest with --manifest FILE',
  'max-bytes': 'allow more with --max-bytes SIZE',
  name: 'take another name with --name NAME',
  'no-labels': 'leave out the label files with --no-labels',
  output: 'name a file with --output FILE',
  'page-url': 'say where the page was with --page-url URL',
  port: 'name another one with --port N',
  resize: 'name a size with --resize N',
  source: 'give another --source',
  subset: 'name a subset with --subset NAME',
  timeout: 'give it more time with --timeout SECONDS',
  to: 'name another directory with --to DIR',
  wait: 'wait for it with --wait',
  'with-secrets': 'write signed links too with --with-secrets',
  yes: 'continue anyway with -y',
};

/** Next steps as a sentence, their commands completed with what the user typed. */
export function renderNextSteps(next: readonly NextStep[], typed: RawOptions): string {
  return next.map((step) => renderStep(step, typed)).join(', then ');
}

function renderStep(step: NextStep, typed: RawOptions): string {
  const text = renderAct(step, typed);
  return step.or === undefined ? text : `${text}, or ${renderStep(step.or, typed)}`;
}

function renderAct(step: NextStep, typed: RawOptions): string {
  if (step.kind === 'advice') return step.text;
  const purpose = step.purpose === undefined ? '' : ` ${step.purpose}`;
  switch (step.kind) {
    case 'again': {
      const when = step.afterMs === undefined ? '' : ` in ${formatDuration(step.afterMs)}`;
      return `run the same command again${when}${purpose}`;
    }
    case 'option': {
      const { option, value } = step;
      if (value === undefined) return `${OPTION_TEXTS[option]}${purpose}`;
      // Another label takes the place of the one that was typed.
      const verb = option === 'label' ? 'use' : 'add';
      return `${verb} --${option} ${quoteForShell(value)}${purpose}`;
    }
    case 'run':
      return `run \`${renderCommand(step.command, step, typed)}\`${purpose}`;
  }
}

/**
 * A command with the directory, manifest and sources of this run, so that following the advice does
 * not lead to another directory. Variables stay set by themselves.
 */
function renderCommand(name: NextCommandName, parts: CommandParts, typed: RawOptions): string {
  const { argument, subsets = [], files = [], options = {} } = parts;
  const own = Object.entries(options).flatMap(([option, value]) => {
    if (typeof value === 'boolean') return [` --${option}`];
    return [value].flat().map((item) => ` --${option} ${quoteForShell(withoutSecrets(item))}`);
  });
  return [
    `ccxri ${name}`,
    ...(argument === undefined ? [] : [` ${quoteForShell(argument)}`]),
    ...subsets.map((subset) => ` --subset ${quoteForShell(subset)}`),
    ...files.map((file) => ` --file ${quoteForShell(file)}`),
    ...own,
    ...CARRIED.flatMap((key) => {
      const value = typed[key];
      const isOpen = isCarried(key, name) && !(key in options);
      if (!isOpen || value === undefined || typeof value === 'boolean') return [];
      const all = [value].flat();
      const useful = key === 'source' ? all.filter((source) => mayHave(source, parts)) : all;
      return useful.map((item) => ` ${OPTIONS[key].long} ${quoteForShell(withoutSecrets(item))}`);
    }),
  ].join('');
}

/** A source that is one file has nothing for a command about other files alone. */
function mayHave(source: string, { subsets = [], files = [] }: CommandParts): boolean {
  const path = source.replace(/^(https?:[^?#]*).*$/i, '$1');
  const [, stem] = /([^/\\{}]+)\.(?:zip|csv)$/i.exec(path) ?? [];
  if (stem === undefined || subsets.length > 0 || files.length === 0) return true;
  const stems = files.map((file) => file.replace(/\.(?:zip|csv)$/i, '').toLowerCase());
  return stems.includes(stem.toLowerCase());
}

/**
 * A URL's password, and what looks secret in its query, are not shown: the user has to add them
 * again. The rest of the query stays, and so does the placeholder of the name: `?file={name}`.
 */
function withoutSecrets(word: string): string {
  if (!/^https?:/i.test(word)) return word;
  const shown = toPrintableLink(word);
  return word.includes('{name}') ? shown.replaceAll('%7Bname%7D', '{name}') : shown;
}
