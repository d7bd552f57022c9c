import { CcxriError } from '../errors.ts';
import { count, toPrintable } from '../text.ts';
import type { View } from './view.ts';

/** Errors of a run that are shown in full; the others get one line each, except with -v. */
const FULL_BLOCKS = 10;
/** More different hints than these are those of many files, and follow one pattern. */
const FULL_HINTS = 3;

/** Names of files that are listed in a line. */
const MOST_NAMES = 3;

/** Of the continuation lines of a long one. */
const INDENT = '      ';

/** Longer than any message of ccxri's own. */
const MOST_CHARACTERS = 10_000;

/**
 * Makes a text safe to show. Foreign text is made safe where it is read, but paths that were typed or
 * found are not.
 */
export function shown(text: string): string {
  return toPrintable(text, MOST_CHARACTERS);
}

/** What to do next, as a line; on a terminal in several if it is long. */
export function nextLine(hint: string, view: View): string {
  return view.prose(`${view.style.bold('next:')} ${shown(hint)}\n`, INDENT);
}

/**
 * What happened, to which file, expected and got, what was kept, and the next command to type.
 * Causes only with `verbose`, and the stack of a bug.
 */
export function renderError(error: unknown, view: View): string {
  if (!(error instanceof CcxriError)) return renderBug(error, view);
  return view.prose(block(error, view), INDENT) + renderHints([error], view);
}

/**
 * Several errors of a run: each once, the hints at the end, each hint once. Errors that differ in the
 * file alone (84 files of a page that can't be reached) are one error, with the names of the files.
 */
export function renderErrors(errors: readonly CcxriError[], view: View): string {
  const groups = [...groupAlike(errors, view).values()];
  const full = view.verbose ? groups : groups.slice(0, FULL_BLOCKS);
  const blocks = full.map((group) => blockOf(group, view));
  const lines = groups.slice(full.length).map((group) => `${headline(group[0], view)}\n`);
  return view.prose([...blocks, ...lines].join(''), INDENT) + renderHints(errors, view);
}

type Group = readonly [CcxriError, ...CcxriError[]];

function groupAlike(errors: readonly CcxriError[], view: View): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  for (const error of errors) {
    const { file } = error.facts;
    const text = block(error, view);
    const key = file === undefined ? text : text.replaceAll(file, '*');
    const group = groups.get(key);
    groups.set(key, group === undefined ? [error] : [...group, error]);
  }
  return groups;
}

function blockOf([first, ...others]: Group, view: View): string {
  const files = others.flatMap(({ facts }) => facts.file ?? []);
  if (files.length === 0) return block(first, view);
  const names = view.verbose ? files.join(', ') : someOf(files);
  return `${block(first, view)}  likewise: ${names}\n`;
}

function headline(error: CcxriError, view: View): string {
  const { file } = error.facts;
  const about = file === undefined || error.message.includes(file) ? '' : `${file}: `;
  return `${view.style.red('error:')} ${shown(about + error.message)}`;
}

function block(error: CcxriError, view: View): string {
  const { path, url, source, line, expected, found, attempts, kept, reasons } = error.facts;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['path', path],
    ['source', source],
    ['url', url],
    ['line', line?.toString()],
    ['expected', expected],
    ['got', found],
    ['attempts', attempts?.toString()],
    ['kept', kept],
  ];
  const listed = facts.filter(([, value]) => value !== undefined && !error.message.includes(value));
  const lines = listed.map(([name, value]) => `  ${`${name}:`.padEnd(10)}${shown(value ?? '')}`);
  const why = (reasons ?? []).map((reason) => `  - ${shown(reason)}`);
  const causes = view.verbose ? causesOf(error).map((text) => `  cause:    ${text}`) : [];
  return [headline(error, view), ...lines, ...why, ...causes, ''].join('\n');
}

function renderHints(errors: readonly CcxriError[], view: View): string {
  const hints = [...filesByHint(errors, view)];
  const first = view.verbose ? hints : hints.slice(0, FULL_HINTS);
  const more = hints.length - first.length;
  const isOne = hints.length === 1;
  return [
    ...first.map(([hint, files]) => nextLine(isOne ? hint : aboutFiles(files, hint), view)),
    ...(more > 0 ? [`      and likewise for ${more} more (-v shows them)\n`] : []),
  ].join('');
}

/** Each hint once, with the files that it is for. */
function filesByHint(
  errors: readonly CcxriError[],
  { suggest }: View,
): ReadonlyMap<string, readonly string[]> {
  const hints = new Map<string, readonly string[]>();
  for (const error of errors) {
    const hint = suggest.hintOf(error);
    if (hint === undefined) continue;
    const { file } = error.facts;
    const files = hints.get(hint) ?? [];
    hints.set(hint, file === undefined || files.includes(file) ? files : [...files, file]);
  }
  return hints;
}

/** A hint among others, after the files that it is for; if it names its only file, as it is. */
export function aboutFiles(files: readonly string[], hint: string): string {
  const [first] = files;
  if (first === undefined || (files.length === 1 && hint.includes(first))) return hint;
  return `${someOf(files)}: ${hint}`;
}

/** The first three names, and the number of all if there are more. */
export function someOf(files: readonly string[]): string {
  const more = files.length > MOST_NAMES ? `, … (${count(files.length, 'file')})` : '';
  return `${files.slice(0, MOST_NAMES).join(', ')}${more}`;
}

/** The chain of causes, innermost last; bounded, because a chain may be circular. */
function causesOf(error: Error): readonly string[] {
  const texts: string[] = [];
  let cause: unknown = error.cause;
  for (let depth = 0; cause instanceof Error && depth < 10; depth += 1) {
    texts.push(toPrintable(cause.message));
    cause = cause.cause;
  }
  // An error that was given more details has the same message once more.
  return [...new Set(texts)].filter((text) => !error.message.includes(text));
}

function renderBug(error: unknown, view: View): string {
  const { red, bold } = view.style;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const stack = view.verbose && error instanceof Error ? `${error.stack ?? ''}\n` : '';
  const next = view.verbose
    ? 'report it with the lines above'
    : 'run the same command with -v, and report it with what that shows';
  return `${red('error:')} ${toPrintable(text, 1000)}\n  this is a bug in ccxri; what was on disk is kept\n${stack}${bold('next:')} ${next}\n`;
}

/** One line for a list of bad files: what the summary says of each. */
export function briefly(error: CcxriError, file: string): string {
  const text = withoutFile(error.message, file);
  const others = error.facts.reasons?.length ?? 0;
  return others > 1 ? `${text} (${count(others, 'reason')})` : text;
}

/** A message to be shown after the name of its file: without that name at its beginning. */
export function withoutFile(message: string, file: string): string {
  return shown(message.replace(new RegExp(`^${escape(file)}(?: \\([^)]*\\))?(?:: | )`), ''));
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
