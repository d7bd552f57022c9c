import { CcxriError, errnoOf } from '../errors.ts';
import { toPrintable, toPrintableUrl } from '../text.ts';

/** Connections that could not be made or broke: worth another attempt. */
const BROKEN: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up (no network, or the name server is silent)',
  EAI_FAIL: 'the name server failed',
  ENODATA: 'the host name has no address',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  ECONNABORTED: 'the connection was broken off',
  EPIPE: 'the connection was broken off',
  ETIMEDOUT: 'the connection timed out',
  ENETUNREACH: 'there is no way to that network',
  ENETDOWN: 'the network is down',
  ENETRESET: 'the network broke the connection off',
  EHOSTUNREACH: 'there is no way to that host',
  EHOSTDOWN: 'the host is down',
  EADDRNOTAVAIL: 'no local address is free for a connection',
  EACCES: 'the system does not allow the connection',
  EPERM: 'the system does not allow the connection',
  EMFILE: 'too many files and connections are open',
  ENFILE: 'too many files and connections are open',
  ENOBUFS: 'the system has no room for another connection',
  EPROTO: 'the TLS connection failed',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection broke off',
  UND_ERR_INFO: 'the connection broke off',
  UND_ERR_SOCKET: 'the connection broke off',
  UND_ERR_CONNECT_TIMEOUT: 'no connection came about in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer came in time',
  UND_ERR_BODY_TIMEOUT: 'nothing came any more',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the body ended before its announced length',
  UND_ERR_HEADERS_OVERFLOW: "the answer's headers are too long",
  UND_ERR_PRX_TLS: 'the TLS connection to the proxy failed',
  UND_ERR_SOCKS5: 'the SOCKS proxy refused the connection',
};

/** A certificate that nobody here trusts does not become trusted by trying again. */
const CERTIFICATE =
  /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/;

/** A connection that broke while nothing of an answer had come. */
export function isBrokenSocket(error: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(errnoOf(error) ?? '');
}

/**
 * What undici or the system says of a broken request, as `network`. What is not a failure of the
 * wire is given back as it came, so that a bug stays a bug.
 */
export function toNetworkError(error: unknown, url: string): unknown {
  if (error instanceof CcxriError || !(error instanceof Error)) return error;
  // undici's parser has no code for some of what is no HTTP.
  const code = error.name === 'HTTPParserError' ? 'HPE' : errnoOf(error);
  if (code === undefined) return error;
  const where = toPrintableUrl(url);
  const facts = { url: where, cause: error };
  if (CERTIFICATE.test(code)) {
    return new CcxriError('network', `the certificate of ${where} is not trusted (${code})`, {
      ...facts,
      permanent: true,
      hint: "behind a company's proxy, name its CA file: NODE_EXTRA_CA_CERTS=/path/ca.pem ccxri …",
    });
  }
  const known = BROKEN[code];
  if (known !== undefined) {
    return new CcxriError('network', `${where}: ${known} (${code})`, facts);
  }
  // undici asserts what it takes for granted of an answer, as a status of 100 and more.
  if (/^(?:HPE|ERR_SSL|ERR_TLS|UND_ERR_RESPONSE|ERR_ASSERTION)/.test(code)) {
    return new CcxriError('network', `${where}: the answer is no valid HTTP (${code})`, facts);
  }
  return toProxyError(error, where) ?? error;
}

/** undici tells of a proxy's refusal in the text alone. */
function toProxyError(error: Error, where: string): CcxriError | undefined {
  const status =
    /^Proxy response \((\d{3})\)/.exec(error.message)?.[1] ??
    /^Proxy Authentication Required \((\d{3})\)/.exec(error.message)?.[1];
  if (status === undefined) return undefined;
  const said = toPrintable(error.message, 120);
  return new CcxriError('network', `${where}: the proxy refused the connection: ${said}`, {
    url: where,
    status: Number(status),
    // A proxy that can't reach the server just now (5xx) may be able to later.
    ...(status.startsWith('5') ? {} : { permanent: true }),
    hint: 'look at HTTPS_PROXY and HTTP_PROXY (and the user and password in them), or name the host in NO_PROXY',
    cause: error,
  });
}
