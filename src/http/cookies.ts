interface Cookie {
  readonly value: string;
  readonly path: string;
  readonly isSecure: boolean;
  /** Infinity: it lasts as long as the run. */
  readonly expiresMs: number;
}

/** Walls and balancers set a few; more than this is not needed to get a file. */
const MAX_HOSTS = 50;
const MAX_COOKIES = 20;
const MAX_COOKIE_LENGTH = 4096;

/**
 * The cookies of a run, in memory alone. A host gets back what it has set itself; the attribute Domain,
 * by which a cookie could reach other hosts, is ignored.
 */
export class CookieJar {
  readonly #hosts = new Map<string, Map<string, Cookie>>();

  /**
   * Keeps the cookies of a response.
   * @param lines values of Set-Cookie
   * @returns whether one of them is new, or has another value: the same request may be answered
   *   otherwise now
   */
  keep(from: URL, lines: readonly string[], nowMs: number): boolean {
    let hasNew = false;
    for (const line of lines) {
      const parsed = parseCookie(line, from, nowMs);
      if (parsed === undefined) continue;
      const { name, cookie } = parsed;
      const cookies = this.#of(from.hostname);
      const old = cookies?.get(name);
      if (cookie.expiresMs <= nowMs) cookies?.delete(name);
      else if (old !== undefined || (cookies !== undefined && cookies.size < MAX_COOKIES)) {
        cookies?.set(name, cookie);
        hasNew ||= old?.value !== cookie.value;
      }
    }
    return hasNew;
  }

  /** The cookies of a request, by name. */
  cookiesFor(target: URL, nowMs: number): ReadonlyMap<string, string> {
    const all = [...(this.#hosts.get(target.hostname) ?? [])];
    const own = all.filter(
      ([, { path, isSecure, expiresMs }]) =>
        expiresMs > nowMs && isBelow(target.pathname, path) && (!isSecure || isSafe(target)),
    );
    return new Map(own.map(([name, { value }]) => [name, value]));
  }

  #of(hostname: string): Map<string, Cookie> | undefined {
    const known = this.#hosts.get(hostname);
    if (known !== undefined || this.#hosts.size >= MAX_HOSTS) return known;
    const made = new Map<string, Cookie>();
    this.#hosts.set(hostname, made);
    return made;
  }
}

/** A header Cookie: what the user typed, and what the host has set since, which counts more. */
export function toCookieHeader(
  typed: string | undefined,
  cookies: ReadonlyMap<string, string>,
): string | undefined {
  const own = (typed ?? '').split(';').flatMap((pair) => {
    const name = pair.split('=', 1)[0]?.trim() ?? '';
    return pair.trim() === '' || cookies.has(name) ? [] : [pair.trim()];
  });
  const all = [...own, ...Array.from(cookies, ([name, value]) => `${name}=${value}`)];
  return all.length === 0 ? undefined : all.join('; ');
}

/** RFC 6265, 5.2, as far as it matters within a run. undefined: it is none. */
function parseCookie(line: string, from: URL, nowMs: number) {
  const [pair = '', ...rest] = line.split(';');
  const equals = pair.indexOf('=');
  const [name, value] = [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
  // Control characters must not get into a header of ours.
  if (
    equals < 1 ||
    name === '' ||
    pair.length > MAX_COOKIE_LENGTH ||
    /[^\x20-\x7e\x80-\xff]/.test(pair)
  )
    return undefined;
  const attributes = new Map(
    rest.map((text) => {
      const [key = '', ...of] = text.split('=');
      return [key.trim().toLowerCase(), of.join('=').trim()] as const;
    }),
  );
  const path = attributes.get('path') ?? '';
  const cookie: Cookie = {
    value,
    path: path.startsWith('/') ? path : from.pathname.replace(/\/[^/]*$/, ''),
    isSecure: attributes.has('secure'),
    expiresMs: expiryOf(attributes, nowMs),
  };
  return { name, cookie };
}

function expiryOf(attributes: ReadonlyMap<string, string>, nowMs: number): number {
  const maxAge = attributes.get('max-age') ?? '';
  if (/^-?\d+$/.test(maxAge)) return nowMs + Number(maxAge) * 1000;
  const atMs = Date.parse(attributes.get('expires') ?? '');
  return Number.isNaN(atMs) ? Infinity : atMs;
}

/** RFC 6265, 5.1.4. */
function isBelow(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}

/** Loopback counts as safe, as in browsers. */
function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || hostname === 'localhost' || hostname.startsWith('127.');
}
