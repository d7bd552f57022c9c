import type { EventListener } from '../events.ts';
import type { HttpClientOptions } from '../http/client.ts';
import { DEFAULT_PRODUCT, toUserAgent } from '../http/request-headers.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import { parseAddress } from './address.ts';

/** Which headers a run sends, as its caller said; see the options of fetch. */
interface TypedHeaders {
  readonly sources?: readonly string[] | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly headerHosts?: readonly string[] | undefined;
  readonly userAgent?: string | undefined;
}

/** Where typed headers go, and what is said of it, as options of the HTTP client. */
export function headerOptionsOf(
  { sources = [], headers, headerHosts, userAgent = DEFAULT_PRODUCT }: TypedHeaders,
  { homepage }: Manifest,
  onEvent: EventListener,
): Partial<HttpClientOptions> {
  // A page on the web may link to other hosts for good reasons. The links of a saved one lead to others
  // always, and who typed headers meant one of these.
  const hasSavedPage = sources.some((typed) => parseAddress(typed).kind === 'path');
  return {
    headers,
    headerHosts,
    headerOrigins: sources.length > 0 ? sources : [homepage],
    userAgent: toUserAgent(userAgent, homepage),
    onWithheld: hasSavedPage ? (host, names) => onEvent(notOfSources(host, names)) : undefined,
    onProxy: (host, { shown: proxy, variable }) =>
      onEvent({ event: 'proxy', host: toPrintable(host, 100), proxy, variable }),
    onSloppy: (host, withheld) => onEvent(sloppyHttp(host, withheld)),
  };
}

/** Where something is held back, it is a warning that everybody sees. */
function sloppyHttp(host: string, withheld: readonly string[]) {
  const what = `${toPrintable(host, 100)} speaks malformed HTTP: it is read leniently, over one connection`;
  if (withheld.length === 0)
    return { event: 'warning', code: 'sloppy-http', message: what } as const;
  const message = `${what}, without your credentials (${toPrintable(withheld.join(', '), 100)})`;
  return { event: 'warning', code: 'source', message } as const;
}

function notOfSources(host: string, names: readonly string[]) {
  const [shown, list] = [toPrintable(host, 100), toPrintable(names.join(', '), 100)];
  const message = `${shown} does not get your --header (${list}): it is none of your sources`;
  const step = { kind: 'option', option: 'header-host', value: shown } as const;
  const next = [{ ...step, purpose: 'if it is meant for this server' }];
  return { event: 'warning', code: 'source', message, next } as const;
}
