// What a shell shows when Tab is pressed. Pure, and light: an answer has to come before a person waits for it, so
// that nothing of the command line's own code is loaded here, and what it knows comes as a table.

/** What the value of an option, or a positional argument, is. */
export type ValueKind = 'subset' | 'file' | 'label' | 'files' | 'dirs' | 'topic' | 'text';

export interface CompletionOption {
  readonly long: string;
  readonly short?: string;
  /** Absent of a flag. */
  readonly kind?: ValueKind;
  /** All values that there are, where these are few. */
  readonly values?: readonly string[];
  /** Several values are separated by commas. */
  readonly isList?: true;
  readonly help: string;
}

export interface CompletionCommand {
  readonly summary: string;
  /** Numbers of its options in the table. */
  readonly options: readonly number[];
  /** What it says of them in words of its own, by number. */
  readonly own?: Readonly<Record<number, string>>;
  readonly kind?: ValueKind;
  readonly values?: readonly string[];
}

export interface CompletionTable {
  readonly commands: Readonly<Record<string, CompletionCommand>>;
  readonly options: readonly CompletionOption[];
  readonly topics: readonly string[];
  readonly labels: readonly string[];
}

/** A word, and what it means; empty: it says so itself. */
type Candidate = readonly [word: string, help: string];

/** `files` and `dirs`: the shell completes the paths itself. */
export type Completion =
  | { readonly kind: 'words'; readonly candidates: readonly Candidate[] }
  | { readonly kind: 'files' | 'dirs' };

/** What lies behind names that only a manifest knows. */
export interface DatasetWords {
  readonly subsets: readonly string[];
  readonly files: readonly string[];
}

interface Known {
  readonly table: CompletionTable;
  /** Read only if they are asked for. */
  readonly dataset: () => DatasetWords;
}

/**
 * Completes the last of the words behind `ccxri`, which may be empty.
 * @param typed as the shell has split them: bash makes three of `--subset=a`
 */
export function complete(typed: readonly string[], known: Known): Completion {
  const { words, isSplit } = joinAssigned(typed);
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const line = readLine(before, known.table);
  if (line.awaits !== undefined) return valueOf(line.awaits, current, known);
  if (current.startsWith('-') && !line.isPositional)
    return optionOf(current, { line, known, isSplit });
  if (line.name === undefined) return toWords(current, commandsOf(known.table));
  if (line.name === 'help') return valueOf({ kind: 'topic' }, current, known);
  const { commands } = known.table;
  const { kind, values } = Object.hasOwn(commands, line.name) ? (commands[line.name] ?? {}) : {};
  if (kind === undefined && values === undefined) return toWords(current, []);
  return valueOf({ ...(kind && { kind }), ...(values && { values }) }, current, known);
}

type Awaited = Pick<CompletionOption, 'kind' | 'values' | 'isList'>;

interface Line {
  readonly name: string | undefined;
  /** The option whose value comes next. */
  readonly awaits: Awaited | undefined;
  /** Behind `--`. */
  readonly isPositional: boolean;
}

function readLine(before: readonly string[], table: CompletionTable): Line {
  let name: string | undefined;
  let awaits: Awaited | undefined;
  for (const word of before) {
    if (awaits !== undefined) awaits = undefined;
    else if (word === '--') return { name, awaits, isPositional: true };
    else if (word.startsWith('-')) awaits = takesValue(word, table);
    else name ??= word;
  }
  return { name, awaits, isPositional: false };
}

function takesValue(word: string, { options }: CompletionTable): Awaited | undefined {
  const option = options.find(({ long, short }) => word === long || word === short);
  return option?.kind === undefined && option?.values === undefined ? undefined : option;
}

/** `--subset`, `=`, `a` as `--subset=a`. isSplit: only what is behind the `=` is to be replaced. */
function joinAssigned(typed: readonly string[]): { words: readonly string[]; isSplit: boolean } {
  const words: string[] = [];
  let isSplit = false;
  for (const [at, word] of typed.entries()) {
    const last = words.at(-1);
    const isAssigned = word === '=' || typed[at - 1] === '=';
    isSplit = false;
    if (isAssigned && last?.startsWith('--')) {
      words[words.length - 1] = last + word;
      isSplit = true;
    } else words.push(word);
  }
  return { words, isSplit };
}

interface OptionAt {
  readonly line: Line;
  readonly known: Known;
  readonly isSplit: boolean;
}

function optionOf(current: string, { line, known, isSplit }: OptionAt): Completion {
  const at = current.indexOf('=');
  if (at < 0) return toWords(current, optionsOf(line.name, known.table));
  const awaited = takesValue(current.slice(0, at), known.table);
  if (awaited === undefined) return toWords(current, []);
  const answer = valueOf(awaited, current.slice(at + 1), known);
  if (isSplit || answer.kind !== 'words') return answer;
  const prefix = current.slice(0, at + 1);
  return {
    kind: 'words',
    candidates: answer.candidates.map(([word, help]) => [prefix + word, help]),
  };
}

function optionsOf(name: string | undefined, table: CompletionTable): readonly Candidate[] {
  const command = name === undefined ? undefined : table.commands[name];
  const rest: readonly Candidate[] = [
    ['--help', 'print the help'],
    ...(name === undefined ? [VERSION] : []),
  ];
  // Before the command only what every one takes.
  const numbers = command?.options ?? commonOptions(table);
  const own = numbers.flatMap((number): readonly Candidate[] => {
    const option = table.options[number];
    if (option === undefined) return [];
    return [[option.long, command?.own?.[number] ?? option.help]];
  });
  return [...own, ...rest];
}

const VERSION: Candidate = ['--version', 'print the version'];

function commonOptions({ commands, options }: CompletionTable): readonly number[] {
  const all = Object.values(commands);
  return [...options.keys()].filter((number) => all.every((each) => each.options.includes(number)));
}

function commandsOf({ commands }: CompletionTable): readonly Candidate[] {
  const own = Object.entries(commands).map(([name, { summary }]) => [name, summary] as const);
  return [...own, ['help', 'print the help of commands or topics']];
}

function valueOf({ kind, values, isList }: Awaited, current: string, known: Known): Completion {
  if (kind === 'files' || kind === 'dirs') return { kind };
  const all = values ?? namesOf(kind, known);
  if (isList !== true) return toWords(current, all.map(toCandidate));
  // The last of `a,b`: those that are there are not offered again.
  const at = current.lastIndexOf(',') + 1;
  const taken = current.slice(0, at).toLowerCase().split(',');
  const rest = all.filter((word) => !taken.includes(word.toLowerCase()));
  const { candidates } = toWords(current.slice(at), rest.map(toCandidate));
  const typed = current.slice(0, at);
  return { kind: 'words', candidates: candidates.map(([word, help]) => [typed + word, help]) };
}

const toCandidate = (word: string): Candidate => [word, ''];

function namesOf(kind: ValueKind | undefined, { table, dataset }: Known): readonly string[] {
  switch (kind) {
    case 'subset':
      return [...dataset().subsets, 'all'];
    case 'file':
      return dataset().files;
    case 'label':
      return table.labels;
    case 'topic':
      return [...Object.keys(table.commands), ...table.topics];
    case 'files':
    case 'dirs':
    case 'text':
    case undefined:
      return [];
  }
}

/** The case of what is typed does not matter, as it does not in names of subsets, files and labels. */
function toWords(
  current: string,
  all: readonly Candidate[],
): { readonly kind: 'words'; readonly candidates: readonly Candidate[] } {
  const start = current.toLowerCase();
  return {
    kind: 'words',
    candidates: all.filter(([word]) => word.toLowerCase().startsWith(start)),
  };
}

/** What no shell reads as anything but itself. Names that are made of other signs are not completed. */
const PLAIN = /^[\w.,=-]+$/;

/** The answer as the scripts read it: a line with its kind, then a word a line, with a tab before its help. */
export function toAnswer(completion: Completion): string {
  if (completion.kind !== 'words') return `${completion.kind}\n`;
  const lines = completion.candidates
    // What was typed before a comma comes back, and may be anything.
    .filter(([word]) => PLAIN.test(word))
    .map(([word, help]) => (help === '' ? word : `${word}\t${help}`));
  return ['words', ...lines, ''].join('\n');
}
