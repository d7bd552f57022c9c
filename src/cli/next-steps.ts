import type { NextOption, NextStep } from '../errors.ts';
import { formatDuration, quoteForShell, toPrintableLink } from '../text.ts';
import { OPTIONS, type CommandName, type OptionKey } from './options.ts';
import type { RawOptions } from './options-resolve.ts';

/** Which of what a user typed belongs into the commands that are suggested next. */
const CARRIED: readonly (readonly [OptionKey, readonly CommandName[]])[] = [
  ['dest', ['fetch', 'verify', 'extract', 'join', 'status']],
  ['manifest', ['list', 'fetch', 'verify', 'extract', 'join', 'status', 'links']],
  ['source', ['fetch', 'links']],
];

/** How the advice to use an option reads where it has no value to give. */
const OPTION_TEXTS: Readonly<Record<NextOption, string>> = {
  'delete-archives': 'delete each archive after its extraction with --delete-archives',
  dest: 'choose another directory with --dest DIR',
  'dry-run': 'look at what would be done with --dry-run',
  file: 'name files with --file NAME',
  header: 'send what the server asks for with --header "NAME: VALUE"',
  manifest: 'name its manifest with --manifest FILE',
  output: 'name a file with --output FILE',
  source: 'give another --source',
  subset: 'name a subset with --subset NAME',
  timeout: 'give it more time with --timeout SECONDS',
  wait: 'wait for it with --wait',
  yes: 'go on all the same with -y',
};

/** An error's next steps as a sentence, its commands completed with what the user typed. */
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
      return `add --${option} ${quoteForShell(value)}${purpose}`;
    }
    case 'run':
      return `run \`${commandLine(step, typed)}\`${purpose}`;
  }
}

type RunStep = NextStep & { readonly kind: 'run' };

function commandLine({ command, subsets, files, options }: RunStep, typed: RawOptions): string {
  const own = Object.entries(options ?? {}).map(([name, value]) =>
    value === true ? ` --${name}` : ` --${name} ${quoteForShell(value)}`,
  );
  return completeCommand(command, [selectionFlags({ subsets, files }), ...own].join(''), typed);
}

/** A selection as it is typed: ` --subset viral --file Other-1`. */
export function selectionFlags({ subsets = [], files = [] }: Pick<RunStep, 'subsets' | 'files'>) {
  return [
    ...subsets.map((name) => ` --subset ${quoteForShell(name)}`),
    ...files.map((name) => ` --file ${quoteForShell(name)}`),
  ].join('');
}

/**
 * A command with where and of what the user typed this run to be: who follows the advice must not end
 * in another directory. Variables stay set by themselves.
 * @param flags what it has already: empty, or beginning with a space
 */
function completeCommand(command: string, flags: string, typed: RawOptions): string {
  const added = CARRIED.flatMap(([key, commands]) => {
    const flag = OPTIONS[key].long;
    const isOpen = commands.some((name) => name === command) && !flags.includes(`${flag} `);
    const value = typed[key];
    if (!isOpen || value === undefined || typeof value === 'boolean') return [];
    const named = [value].flat();
    const items = key === 'source' ? named.filter((each) => mayHave(each, flags)) : named;
    return items.map((item) => ` ${flag} ${quoteForShell(withoutSecrets(item))}`);
  });
  return `ccxri ${command}${flags}${added.join('')}`;
}

/** A whole command of ccxri in backticks, in the texts of cli itself. */
const COMMAND = /`ccxri ([a-z]+)((?: [^`]*)?)`/g;

/** As `completeCommand`, for each command (in backticks) in a text of the command line's own. */
export function completeCommands(text: string, typed: RawOptions): string {
  return text.replace(
    COMMAND,
    (_whole, command: string, flags: string) => `\`${completeCommand(command, flags, typed)}\``,
  );
}

/** A source that is one file has nothing for a command that is for other files alone. */
function mayHave(source: string, flags: string): boolean {
  const name = /([^/\\{}]+)\.(?:zip|csv)$/i
    .exec(source.replace(/^(https?:[^?#]*).*$/i, '$1'))?.[1]
    ?.toLowerCase();
  if (name === undefined || flags.includes('--subset ')) return true;
  const asked = [...flags.matchAll(/--file ([^ ]+)/g)].map(([, file = '']) =>
    file.replace(/\.(?:zip|csv)$/i, '').toLowerCase(),
  );
  return asked.length === 0 || asked.includes(name);
}

/**
 * A URL's password, and what looks secret in its query, are not to be shown: whoever types it again
 * has to add them. The rest of the query stays, and so does the place of the name: `?file={name}`.
 */
function withoutSecrets(word: string): string {
  if (!/^https?:/i.test(word)) return word;
  const shown = toPrintableLink(word);
  return word.includes('{name}') ? shown.replaceAll('%7Bname%7D', '{name}') : shown;
}
