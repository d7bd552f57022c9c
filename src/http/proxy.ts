import { BlockList, isIP } from 'node:net';
import { CcxriError, isCcxriError, withDetails } from '../errors.ts';
import { decodeOrKeep, toPrintableUrl } from '../text.ts';

/** HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, in either case. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

export interface Proxy {
  /** An HTTP proxy is spoken to in plain or over TLS; a SOCKS proxy in version 5. */
  readonly kind: 'http' | 'https' | 'socks';
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** false: a SOCKS proxy that gets an address, which is looked up here (`socks5://`). */
  readonly resolvesNames: boolean;
  /** The variable that names it. */
  readonly variable: string;
  /** Safe to print. */
  readonly shown: string;
}

export interface ProxySettings {
  /** For http; undefined: none. */
  readonly http: Proxy | undefined;
  /** For https; undefined: none. */
  readonly https: Proxy | undefined;
  readonly noProxy: string;
}

/** `socks:` is what GNOME writes into ALL_PROXY. */
const SCHEMES: Readonly<Record<string, Pick<Proxy, 'kind' | 'port' | 'resolvesNames'>>> = {
  'http:': { kind: 'http', port: 80, resolvesNames: true },
  'https:': { kind: 'https', port: 443, resolvesNames: true },
  'socks:': { kind: 'socks', port: 1080, resolvesNames: true },
  'socks5h:': { kind: 'socks', port: 1080, resolvesNames: true },
  'socks5:': { kind: 'socks', port: 1080, resolvesNames: false },
};

/**
 * The proxies of an environment, as curl reads them: HTTP_PROXY for http, HTTPS_PROXY for https, and
 * ALL_PROXY where there is none of these. The lower-case name counts more; an empty value is none.
 * @throws CcxriError `usage`: a variable names no proxy that can be used
 */
export function toProxySettings(env: ProxyEnvironment): ProxySettings {
  const [noProxy = ''] = ['no_proxy', 'NO_PROXY'].map((name) => env[name]?.trim()).filter(Boolean);
  return {
    http: proxyIn(env, ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY']),
    https: proxyIn(env, ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY']),
    noProxy,
  };
}

function proxyIn(env: ProxyEnvironment, names: readonly string[]): Proxy | undefined {
  const variable = names.find((name) => (env[name]?.trim() ?? '') !== '');
  return variable === undefined ? undefined : parseProxy(env[variable]?.trim() ?? '', variable);
}

function parseProxy(value: string, variable: string): Proxy {
  // curl accepts `proxy.example:3128`, so we do.
  const address = value.includes('://') ? value : `http://${value}`;
  const shown = toPrintableUrl(address).replace(/\/$/, '');
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const scheme = url === undefined ? undefined : SCHEMES[url.protocol];
  // Of `http//proxy` the host is `http`.
  const isHost = url !== undefined && !/^(?:|https?|socks\w*)$/.test(url.hostname);
  if (!isHost || scheme === undefined) {
    throw notAProxy(variable, toPrintableUrl(value), url?.protocol);
  }
  return {
    ...scheme,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? scheme.port : Number(url.port),
    user: decodeOrKeep(url.username),
    password: decodeOrKeep(url.password),
    variable,
    shown,
  };
}

function notAProxy(variable: string, shown: string, protocol: string | undefined): CcxriError {
  const isOfScheme = protocol !== undefined && !(protocol in SCHEMES);
  const what = isOfScheme
    ? `${variable} names a proxy of a kind that ccxri can't use (${protocol}//)`
    : `${variable} is no address of a proxy`;
  return new CcxriError('usage', `${what}: ${shown}`, {
    found: shown,
    expected: 'an address as http://proxy.example:3128 or socks5h://127.0.0.1:1080',
    next: [{ kind: 'advice', text: `fix ${variable} in the environment, or unset it` }],
  });
}

/** `through the proxy http://proxy.example:3128 (HTTPS_PROXY)`: safe to print. */
export function describeProxy({ shown, variable }: Pick<Proxy, 'shown' | 'variable'>): string {
  return `through the proxy ${shown} (${variable})`;
}

/** An error of the network with the proxy that was in use; any other error as it is. */
export function withProxy(error: unknown, proxy: Proxy | undefined): unknown {
  if (proxy === undefined || !isCcxriError(error, 'network', 'stalled')) return error;
  const isNamed = error.message.includes(proxy.shown);
  const message = isNamed ? error.message : `${error.message}, ${describeProxy(proxy)}`;
  return withDetails(error, { message, proxy: proxy.shown, cause: error.cause });
}

/** The proxy for a URL; undefined: it is reached directly. */
export function proxyFor(url: URL, settings: ProxySettings): Proxy | undefined {
  const proxy = url.protocol === 'https:' ? settings.https : settings.http;
  if (proxy === undefined || isExempt(url, settings.noProxy)) return undefined;
  return proxy;
}

/**
 * Whether NO_PROXY names the host of a URL. Its entries, separated by commas or spaces: `*` (every host),
 * a name (with all below it, also as `.name` or `*.name`), an address, a range of addresses
 * (`10.0.0.0/8`, `fd00::/8`), each but the range with a port if it holds for that port alone.
 */
function isExempt(url: URL, noProxy: string): boolean {
  const host = bare(url.hostname);
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return noProxy.split(/[\s,]+/).some((entry) => {
    if (entry === '') return false;
    if (entry === '*') return true;
    if (isInRange(host, entry)) return true;
    const parts = /^(?<name>\[.*\]|[^:]*):(?<port>\d+)$/.exec(entry)?.groups;
    if (parts !== undefined && parts['port'] !== port) return false;
    const name = bare(parts?.['name'] ?? entry).replace(/^\*?\./, '');
    if (isIP(host) !== 0) return isInRange(host, `${name}/${isIP(name) === 6 ? 128 : 32}`);
    return name !== '' && (host === name || host.endsWith(`.${name}`));
  });
}

/** Without the brackets of IPv6, and without the dot that ends a full name. */
function bare(host: string): string {
  return host
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
}

function isInRange(host: string, entry: string): boolean {
  const [, address = '', bits = ''] = /^\[?([\da-f.:]+)\]?\/(\d{1,3})$/i.exec(entry) ?? [];
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || Number(bits) > (family === 6 ? 128 : 32))
    return false;
  const list = new BlockList();
  const type = family === 6 ? 'ipv6' : 'ipv4';
  list.addSubnet(address, Number(bits), type);
  return list.check(host, type);
}
