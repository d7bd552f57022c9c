import { CcxriError, type NextStep } from '../errors.ts';
import { toPrintable, toPrintableUrl } from '../text.ts';
import { AS_THAT_BROWSER } from './walls.ts';

export const MAX_REDIRECTS = 10;
const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);

export function isRedirect(status: number): boolean {
  return REDIRECT_STATUSES.has(status);
}

/**
 * The target of a redirect.
 * @param hops the URLs requested so far; the last one redirects
 * @param location the header, each byte as a character
 * @param visited those of them that would lead to the same place again: no cookie was set since
 * @throws CcxriError `network`, permanent: no target, a loop, too many hops, a target that is not
 *   http(s), or one inside the user's own network where the source is not
 */
export function nextHop(
  hops: readonly string[],
  location: string | undefined,
  visited: readonly string[] = hops,
): string {
  const from = hops.at(-1) ?? '';
  const refuse = (why: string, next?: readonly NextStep[]) =>
    new CcxriError('network', `the redirect from ${toPrintableUrl(from)} ${why}`, {
      url: toPrintableUrl(from),
      permanent: true,
      next,
    });
  if (location === undefined) throw refuse('names no address');
  const address = encodeRawBytes(location);
  if (!URL.canParse(address, from)) throw refuse(`leads to "${toPrintableUrl(address)}"`);
  const next = new URL(address, from);
  if (next.protocol !== 'http:' && next.protocol !== 'https:') {
    throw refuse(`leads to a ${toPrintable(next.protocol, 20)} address`);
  }
  if (isInside(next.hostname) && !isInside(new URL(from).hostname)) {
    throw refuse(`leads into this machine's own network (${toPrintable(next.hostname, 80)})`);
  }
  next.username = '';
  next.password = '';
  next.hash = '';
  if (visited.includes(next.href)) {
    const circle = [...hops, next.href].map(toPrintableUrl).join(' -> ');
    throw refuse(`goes in a circle: ${circle}`, AS_THAT_BROWSER);
  }
  if (hops.length > MAX_REDIRECTS) throw refuse(`is one of more than ${MAX_REDIRECTS}`);
  return next.href;
}

/**
 * Bytes beyond ASCII, which headers must not have and some do, whatever encoding is meant: percent-encoded
 * one by one, as browsers do. Everything else, blanks too, is the URL parser's.
 */
function encodeRawBytes(location: string): string {
  return location.replace(
    /[\x80-\xff]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Loopback and link-local, by name or literal address: no public server has business there. */
export function isInside(hostname: string): boolean {
  // A trailing dot (the DNS root) names the same host.
  const host = hostname.replace(/^\[|\]$|\.$/g, '').toLowerCase();
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    /^(?:127|169\.254|0)\./.test(host) ||
    /^(?:::1?$|::ffff:|fe[89ab][0-9a-f]:)/.test(host)
  );
}
