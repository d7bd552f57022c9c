import { decodeOrKeep } from '../text.ts';
import { toCookieHeader } from './cookies.ts';

/** Of the User-Agent, where the program that uses the library does not name itself. */
export const DEFAULT_PRODUCT = 'ccxri';

export interface HeaderOptions {
  /** Default `ccxri`. */
  readonly userAgent?: string | undefined;
  /**
   * As typed by the user. Those that only say who asks go to every host; all others, which may be
   * secrets, to `headerOrigins` and `headerHosts` alone, and not after a redirect from https to http.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** URLs, whose userinfo is sent there as well; texts that are none are ignored. */
  readonly headerOrigins?: readonly string[] | undefined;
  /** As `HOST` or `HOST:PORT`. */
  readonly headerHosts?: readonly string[] | undefined;
}

/** Headers that say who asks, for what, and where from. */
const OPEN = new Set(['user-agent', 'accept', 'accept-language', 'referer']);

/** The headers of each request: what ccxri sends by itself, and who gets what the user typed. */
export class RequestHeaders {
  readonly #options: HeaderOptions;
  readonly #open: Readonly<Record<string, string>>;
  readonly #secret: Readonly<Record<string, string>>;

  constructor(options: HeaderOptions) {
    this.#options = options;
    const typed = Object.entries(options.headers ?? {}).map(
      ([name, value]) => [name.toLowerCase(), toBytes(value)] as const,
    );
    this.#open = Object.fromEntries(typed.filter(([name]) => OPEN.has(name)));
    this.#secret = Object.fromEntries(typed.filter(([name]) => !OPEN.has(name)));
  }

  /**
   * The headers of a request; built anew for each hop of a redirect.
   * @param own of this request
   * @param cookies that the host itself has set
   * @param secrets of `secretsFor`
   */
  headersFor(
    own: Readonly<Record<string, string>>,
    cookies: ReadonlyMap<string, string>,
    secrets: Readonly<Record<string, string>>,
  ): Record<string, string> {
    const cookie = toCookieHeader(secrets['cookie'], cookies);
    return {
      'user-agent': this.#options.userAgent ?? DEFAULT_PRODUCT,
      accept: '*/*',
      'accept-encoding': 'identity',
      ...secrets,
      ...(cookie === undefined ? {} : { cookie }),
      ...own,
      ...this.#open,
    };
  }

  /** What only the named origins and hosts get. */
  secretsFor(target: URL): Readonly<Record<string, string>> {
    const { headerOrigins = [], headerHosts = [] } = this.#options;
    const origins = headerOrigins
      .filter((typed) => URL.canParse(typed))
      .map((typed) => new URL(typed));
    const own = origins.filter(({ origin }) => origin === target.origin);
    const isNamed = headerHosts.some((host) => isHost(host, target));
    const secrets = own.length > 0 || isNamed ? { ...this.#secret } : {};
    const signed = own.find(({ username, password }) => username !== '' || password !== '');
    if (signed !== undefined) secrets['authorization'] = toBasic(signed);
    return secrets;
  }

  /** Names of the headers that a request to this URL does not carry, although they were typed. */
  withheldFrom(target: URL): readonly string[] {
    const sent = this.secretsFor(target);
    return Object.keys(this.#secret).filter((name) => sent[name] === undefined);
  }
}

/** Node writes headers as Latin-1; what was typed goes out as the bytes of its UTF-8, as with curl. */
function toBytes(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}

/** `HOST` is any port of that host; `HOST:PORT` that one alone. */
function isHost(named: string, { protocol, host, hostname }: URL): boolean {
  // With a scheme, `host` has no port where it is the scheme's own.
  const address = `${protocol}//${named}`;
  if (!URL.canParse(address)) return false;
  return /:\d+$/.test(named) ? new URL(address).host === host : new URL(address).host === hostname;
}

function toBasic({ username, password }: URL): string {
  const pair = `${decodeOrKeep(username)}:${decodeOrKeep(password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/**
 * `ccxri/1.2.3 (+https://…)`: who asks, and where to read about it, as servers want it of programs.
 * @param homepage of the dataset; without its query, which may hold a secret
 */
export function toUserAgent(product: string, homepage: string): string {
  if (!URL.canParse(homepage)) return product;
  const { protocol, host, pathname } = new URL(homepage);
  // Brackets end a comment (RFC 9110, 5.6.5).
  const place = `${protocol}//${host}${pathname}`.replace(/[()\\]/g, encodeBracket);
  return `${product} (+${place})`;
}

function encodeBracket(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}
