import { CcxriError } from '../errors.ts';
import { toPrintable, toPrintableUrl } from '../text.ts';

export const MAX_REDIRECTS = 10;
const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);

export function isRedirect(status: number): boolean {
  return REDIRECT_STATUSES.has(status);
}

/**
 * The target of a redirect.
 * @param hops the URLs requested so far; the last one redirects
 * @throws CcxriError `network`, permanent: no target, a loop, too many hops, a target that is not
 *   http(s), or one inside the user's own network where the source is not
 */
export function nextHop(hops: readonly string[], location: string | undefined): string {
  const from = hops.at(-1) ?? '';
  const refuse = (why: string) =>
    new CcxriError('network', `the redirect from ${toPrintableUrl(from)} ${why}`, {
      url: toPrintableUrl(from),
      permanent: true,
    });
  if (location === undefined) throw refuse('names no address');
  if (!URL.canParse(location, from)) throw refuse(`leads to "${toPrintableUrl(location)}"`);
  const next = new URL(location, from);
  if (next.protocol !== 'http:' && next.protocol !== 'https:') {
    throw refuse(`leads to a ${toPrintable(next.protocol, 20)} address`);
  }
  if (isInside(next.hostname) && !isInside(new URL(from).hostname)) {
    throw refuse(`leads into this machine's own network (${toPrintable(next.hostname, 80)})`);
  }
  next.username = '';
  next.password = '';
  next.hash = '';
  if (hops.includes(next.href)) {
    throw refuse(`goes in a circle: ${[...hops, next.href].map(toPrintableUrl).join(' -> ')}`);
  }
  if (hops.length > MAX_REDIRECTS) throw refuse(`is one of more than ${MAX_REDIRECTS}`);
  return next.href;
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
