import {
  type CcxriError,
  type ErrorFacts,
  type ErrorRecord,
  type NextStep,
  toErrorRecord,
} from '../errors.ts';
import { count, formatBytes } from '../text.ts';

/** Failures with one cause: they differ in the file, in its address, and in how much of it was kept. */
export type Cause = readonly [CcxriError, ...CcxriError[]];

/** In the order in which the causes show first. */
export function groupByCause(errors: readonly CcxriError[]): readonly Cause[] {
  const causes = new Map<string, Cause>();
  for (const error of errors) {
    const key = `${causeKey(toErrorRecord(error))} ${adviceKey(error)}`;
    const cause = causes.get(key);
    causes.set(key, cause === undefined ? [error] : [...cause, error]);
  }
  return [...causes.values()];
}

/** The same for all errors of one cause, whatever file they are of. */
export function causeKey({ code, message, reasons = [], ...facts }: ErrorRecord): string {
  const texts = [message, ...reasons].map((text) => withoutCounts(withoutNames(text, facts)));
  return JSON.stringify([code, facts.httpStatus, ...texts]);
}

/** What can be done, but for the names of files. */
function adviceKey({ next, facts }: CcxriError): string {
  const json = JSON.stringify(next, (key, value: unknown) =>
    key === 'files' || key === 'afterMs' ? [] : value,
  );
  return withoutNames(json, facts);
}

/** A text with `…` for the name and the address of its file. */
function withoutNames(text: string, { file, url }: Pick<ErrorFacts, 'file' | 'url'>): string {
  if (file === undefined) return text;
  const name = file.replace(/\.\w+$/, '');
  const pattern = new RegExp(`(?<![\\w-])${escape(name)}(?:\\.(?:zip|csv))?(?!\\w)`, 'g');
  const isNamed = url === undefined || url.search(pattern) >= 0 || !URL.canParse(url);
  const address = isNamed ? text : text.replaceAll(url, `${new URL(url).origin}/…`);
  return address.replace(pattern, '…');
}

/** A text without how often it was tried, and how long is to be waited: that differs from file to file. */
function withoutCounts(text: string): string {
  return text
    .replace(/ \((?:\d+ attempts|tried once: [^)]*)\)/g, '')
    .replace(/; it asks to wait \d[^(),;]*/g, '');
}

/** The one of a cause that was tried most often, of those the one that has to wait longest. */
function mostTried(cause: Cause): CcxriError {
  return cause.reduce((most, each) => {
    const { attempts = 0, retryAfterS = 0 } = each.facts;
    const tries = attempts - (most.facts.attempts ?? 0);
    const isMore = tries > 0 || (tries === 0 && retryAfterS > (most.facts.retryAfterS ?? 0));
    return isMore ? each : most;
  });
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

export function filesOf(cause: Cause): readonly string[] {
  return [...new Set(cause.flatMap(({ facts }) => facts.file ?? []))];
}

/** What happened, and to which file or how many: `3 files are not here`. */
export function describeCause(cause: Cause): string {
  const { message, facts } = mostTried(cause);
  const files = filesOf(cause);
  const [file] = files;
  if (file === undefined) return message;
  if (facts.wholeSource === true && !message.includes(file)) {
    return files.length === 1 ? message : `${message}; needed for ${count(files.length, 'file')}`;
  }
  if (files.length === 1) return message.includes(file) ? message : `${file}: ${message}`;
  const text = sameText(cause, (error) => error.message) ?? withoutNames(message, facts);
  const { verb, rest } = /^… (?<verb>is|has|was|holds) (?<rest>.*)$/s.exec(text)?.groups ?? {};
  const all = count(files.length, 'file');
  if (verb === undefined || rest === undefined) return `${all}: ${text.replace(/^…: /, '')}`;
  return `${all} ${PLURALS[verb] ?? verb} ${rest.replace('the published file', 'the published files')}`;
}

const PLURALS: Readonly<Record<string, string>> = {
  is: 'are',
  has: 'have',
  was: 'were',
  holds: 'hold',
};

/** What all errors of a cause say, but for their files; undefined: they say different things. */
export function sameText(
  cause: Cause,
  textOf: (error: CcxriError) => string | undefined,
): string | undefined {
  const texts = new Set(cause.map(textOf));
  if (texts.size === 1) return textOf(cause[0]);
  const bare = new Set(cause.map((error) => withoutNames(textOf(error) ?? '', error.facts)));
  const [only] = bare;
  return bare.size === 1 ? only : undefined;
}

/** What was kept of all files of a cause, in words. */
export function keptOf(cause: Cause): string | undefined {
  const same = sameText(cause, ({ facts }) => facts.kept);
  if (same !== undefined || cause.length === 1) return same;
  const parts = cause.flatMap(({ facts }) => facts.keptBytes ?? []).filter((bytes) => bytes > 0);
  if (parts.length === 0) return undefined;
  const bytes = formatBytes(parts.reduce((sum, each) => sum + each, 0));
  return `${bytes} of ${count(parts.length, 'file')}, to resume from`;
}

/** More names than these make a command that nobody types. */
const MOST_NAMED = 5;

/** The next steps of all errors of a cause as one: a command for one file becomes one for all of them. */
export function nextOf(cause: Cause): readonly NextStep[] {
  const { next, facts } = mostTried(cause);
  if (new Set(cause.map((error) => JSON.stringify(error.next))).size === 1) return next;
  return next.map((step, index) => {
    if (step.kind === 'advice') return { ...step, text: withoutNames(step.text, facts) };
    if (step.kind !== 'run' || step.files === undefined) return step;
    const files = cause.flatMap((error) => {
      const same = error.next[index];
      return same?.kind === 'run' ? (same.files ?? []) : [];
    });
    if (files.length <= MOST_NAMED) return { ...step, files };
    return { ...step, files: ['NAME'], purpose: `${step.purpose ?? ''} (for each of them)`.trim() };
  });
}

/** Names, neighbours as a range: `ChestDx-1…62.zip, chest_dx.csv`. */
export function shortNames(files: readonly string[]): string {
  const ranges: { prefix: string; first: string; last: string; suffix: string }[] = [];
  for (const file of files) {
    const [, prefix = file, number = '', suffix = ''] = /^(.*?-)(\d+)(\.\w+)$/.exec(file) ?? [];
    const open = ranges.at(-1);
    const isNext = open?.prefix === prefix && Number(open.last) + 1 === Number(number);
    if (open !== undefined && isNext && open.suffix === suffix) open.last = number;
    else ranges.push({ prefix, first: number, last: number, suffix });
  }
  const names = ranges.map(({ prefix, first, last, suffix }) => {
    return `${prefix}${first === last ? first : `${first}…${last}`}${suffix}`;
  });
  const more = names.length > MOST_NAMED ? `, … and ${names.length - MOST_NAMED} more` : '';
  return `${names.slice(0, MOST_NAMED).join(', ')}${more}`;
}
