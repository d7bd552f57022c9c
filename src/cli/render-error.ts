import { CcxriError, type ErrorFacts, isOfManyFiles } from '../errors.ts';
import { toPrintable } from '../text.ts';
import {
  type Cause,
  describeCause,
  filesOf,
  groupByCause,
  keptOf,
  nextOf,
  sameText,
  shortNames,
} from './causes.ts';
import { exitCodeOf, severityOf } from './exit-codes.ts';
import type { View } from './view.ts';

/** Causes of a run that are shown in full; the others get one line each, except with -v. */
const FULL_BLOCKS = 10;

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
function nextLine(hint: string, view: View): string {
  return view.prose(`${view.style.bold('next:')} ${shown(hint)}\n`, INDENT);
}

/**
 * What happened, to which file, expected and got, what was kept, and the next command to type.
 * Causes only with `verbose`, and the stack of a bug.
 */
export function renderError(error: unknown, view: View): string {
  if (!(error instanceof CcxriError)) return renderBug(error, view);
  return renderErrors([error], view);
}

/**
 * The errors of a run, each cause once, however many files it has failed, with what to do about it. The
 * cause that decides the exit code is the last, so that the last line is the advice that matters most.
 */
export function renderErrors(errors: readonly CcxriError[], view: View): string {
  const causes = groupByCause(errors);
  const sorted = [...causes].sort(
    ([a], [b]) => severityOf(exitCodeOf(a)) - severityOf(exitCodeOf(b)),
  );
  const full = view.verbose ? sorted : sorted.slice(-FULL_BLOCKS);
  const lines = sorted.slice(0, sorted.length - full.length).map((cause) => headline(cause, view));
  const hints = full.map((cause) => view.suggest.hintOf({ next: nextOf(cause) }));
  const blocks = full.map((cause, index) => {
    const hint = hints[index];
    // The same advice once: after the last cause that it is for.
    const isLast = hint !== undefined && hints.lastIndexOf(hint) === index;
    return view.prose(block(cause, view), INDENT) + (isLast ? nextLine(hint, view) : '');
  });
  return [view.prose(lines.join(''), INDENT), ...blocks].join('');
}

function headline(cause: Cause, view: View): string {
  return `${view.style.red('error:')} ${shown(describeCause(cause))}\n`;
}

/** What a block shows of an error beside its message, and under which word. */
const FACTS = [
  ['path', ({ path }) => path],
  ['source', ({ source }) => source],
  ['url', ({ url }) => url],
  ['line', ({ line }) => line?.toString()],
  ['expected', ({ expected }) => expected],
  ['got', ({ found }) => found],
  ['attempts', ({ attempts }) => attempts?.toString()],
] as const satisfies readonly (readonly [string, (facts: ErrorFacts) => string | undefined])[];

function block(cause: Cause, view: View): string {
  const [error] = cause;
  const files = filesOf(cause);
  const isMany = files.length > 1;
  const names = isMany && !isOfManyFiles(error.facts) ? shortNames(files) : undefined;
  const message = describeCause(cause);
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['files', view.verbose && isMany ? files.join(', ') : names],
    ...FACTS.map(([name, of]) => [name, sameText(cause, ({ facts: each }) => of(each))] as const),
    ['kept', keptOf(cause)],
  ];
  const listed = facts.filter(([, value]) => value !== undefined && !message.includes(value));
  const why = sameReasons(cause).map((reason) => `  - ${shown(reason)}`);
  const each = view.verbose && isMany ? cause.flatMap(detailsOf) : [];
  const causes = view.verbose ? causesOf(error).map((text) => factLine('cause', text)) : [];
  const lines = listed.map(([name, value]) => factLine(name, value ?? ''));
  return `${headline(cause, view)}${[...lines, ...why, ...each, ...causes].map((line) => `${line}\n`).join('')}`;
}

function factLine(name: string, value: string): string {
  return `  ${`${name}:`.padEnd(10)}${shown(value)}`;
}

function sameReasons(cause: Cause): readonly string[] {
  const reasons = cause[0].facts.reasons ?? [];
  return reasons.map((reason, index) => {
    return sameText(cause, ({ facts }) => facts.reasons?.[index]) ?? reason;
  });
}

/** Of one file among many: what is expected of it, and what was found. */
function detailsOf({ facts: { file = '', expected, found } }: CcxriError): readonly string[] {
  if (expected === undefined || found === undefined) return [];
  return [`  - ${file}: ${shown(expected)} expected, got ${shown(found)}`];
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
