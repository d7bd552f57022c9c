import { CcxriError, type CcxriErrorOptions } from '../errors.ts';
import { toPrintableUrl } from '../text.ts';

/**
 * What can be done where no source has a file, or the page can't be used: the two ways there are.
 * @param first a nearer way, where there is one
 */
export function waysOn(homepage: string, first?: string): string {
  const ways = `open ${toPrintableUrl(homepage)} in a browser, save it as HTML and pass it: --source page.html; or name a mirror: --source URL-or-directory`;
  return first === undefined ? ways : `${first}; or ${ways}`;
}

/** A source that can't be used, with the ways on behind its own hint. */
export function unusable(
  message: string,
  homepage: string,
  options: CcxriErrorOptions = {},
): CcxriError {
  const hint = waysOn(homepage, options.hint);
  return new CcxriError('source-unusable', message, { ...options, hint });
}
