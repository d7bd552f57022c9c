import { CcxriError } from '../errors.ts';
import { toPrintableUrl } from '../text.ts';

/** HTTP_PROXY, HTTPS_PROXY, NO_PROXY, in either case. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

const SCHEMES = new Set(['http:', 'https:', 'socks5:', 'socks:']);

/**
 * The proxies that an environment names, as undici takes them. Every field is there, if empty:
 * undici asks the real environment where one is absent.
 * @throws CcxriError `usage`: a proxy that is no address
 */
export function toProxyOptions(env: ProxyEnvironment): {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
} {
  return {
    httpProxy: proxyIn(env, 'HTTP_PROXY'),
    httpsProxy: proxyIn(env, 'HTTPS_PROXY'),
    noProxy: valueIn(env, 'NO_PROXY'),
  };
}

/** The lower-case name first, as curl and wget do. */
function valueIn(env: ProxyEnvironment, name: string): string {
  return (env[name.toLowerCase()] ?? env[name] ?? '').trim();
}

function proxyIn(env: ProxyEnvironment, name: string): string {
  const value = valueIn(env, name);
  if (value === '') return '';
  // `proxy.example:3128`, as curl takes it.
  const address = value.includes('://') ? value : `http://${value}`;
  if (URL.canParse(address) && SCHEMES.has(new URL(address).protocol)) return address;
  throw new CcxriError('usage', `${name} is no address of a proxy: ${toPrintableUrl(address)}`, {
    found: toPrintableUrl(address),
    expected: 'an address as http://proxy.example:3128',
    hint: `mend ${name} in the environment, or unset it`,
  });
}
