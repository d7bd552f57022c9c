import { CcxriError } from '../errors.ts';
import { type SourceKind, otherSourceSteps } from '../sources/source.ts';
import { count } from '../text.ts';
import { type CheckResult, toProblem, warning } from './examination.ts';

/** What a source says of the files that are to be fetched. */
export interface SourceAnswer {
  readonly kind: SourceKind;
  /** All that were asked for, by name. */
  readonly files: readonly string[];
  readonly located: readonly string[];
  /** It has them, and does not say which link belongs to which. */
  readonly ambiguous: readonly string[];
  /** What was said while it was read. */
  readonly warnings: readonly string[];
  readonly homepage: string;
}

/** Names of files that are listed in a row. */
const MOST_NAMES = 3;

export function judgeSource(answer: SourceAnswer): CheckResult {
  const { kind, files, located, ambiguous, warnings, homepage } = answer;
  const of = `${located.length} of ${count(files.length, 'file')}`;
  const notes = warnings.map((text) => `; ${text}`).join('');
  if (kind === 'base-url') {
    const seen = `a base URL: files are looked for by their names below it${notes}`;
    return { status: warnings.length > 0 ? 'warning' : 'ok', seen };
  }
  const seen = `${WORDS[kind]} ${of}`;
  if (located.length === 0) {
    // A page that was read whole, and links to none of them.
    const code = kind === 'page' ? 'no-link' : 'file-not-at-source';
    return toProblem(new CcxriError(code, seen, { next: otherSourceSteps(homepage) }));
  }
  const missing = files.filter((name) => !located.includes(name));
  // One file is all that such a source is for.
  if (missing.length === 0 || kind === 'file')
    return { status: statusOf(warnings), seen: seen + notes };
  const unclear = missing.filter((name) => ambiguous.includes(name));
  const which = unclear.length > 0 ? `; unclear: ${listOf(unclear)}` : '';
  const without = missing.filter((name) => !ambiguous.includes(name));
  const lacking = without.length > 0 ? `; not there: ${listOf(without)}` : '';
  return warning(`${seen}${lacking}${which}${notes}`, otherSourceSteps(homepage));
}

const WORDS: Readonly<Record<Exclude<SourceKind, 'base-url'>, string>> = {
  directory: 'a directory with',
  page: 'a page with the links of',
  file: 'a file alone:',
  manifest: "the manifest's url of",
};

function statusOf(warnings: readonly string[]): CheckResult['status'] {
  return warnings.length > 0 ? 'warning' : 'ok';
}

function listOf(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return `${names.slice(0, MOST_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
