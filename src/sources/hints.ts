import { CcxriError, type CcxriErrorOptions, type NextStep } from '../errors.ts';
import { toPrintableUrl } from '../text.ts';

/**
 * What can be done where no source has a file, or the page can't be used: a saved page or a mirror.
 * @param first what is tried before that, where something nearer is known
 */
export function nextSources(homepage: string, first: readonly NextStep[] = []): NextStep[] {
  const ways: NextStep = {
    kind: 'option',
    option: 'source',
    value: 'page.html',
    purpose: `(open ${toPrintableUrl(homepage)} in a browser and save it as HTML)`,
    or: {
      kind: 'option',
      option: 'source',
      value: 'URL-or-directory',
      purpose: 'to name a mirror',
    },
  };
  const last = first.at(-1);
  return last === undefined ? [ways] : [...first.slice(0, -1), withAlternative(last, ways)];
}

function withAlternative(step: NextStep, other: NextStep): NextStep {
  return { ...step, or: step.or === undefined ? other : withAlternative(step.or, other) };
}

/** A source that can't be used; a saved page or a mirror come behind its own next steps. */
export function unusable(
  message: string,
  homepage: string,
  options: CcxriErrorOptions = {},
): CcxriError {
  const next = nextSources(homepage, options.next);
  return new CcxriError('source-unusable', message, { ...options, next });
}
