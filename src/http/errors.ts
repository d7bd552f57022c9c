import { CcxriError, type NextStep, errnoOf, isCcxriError, withDetails } from '../errors.ts';
import { toPrintableUrl } from '../text.ts';

/** Connections that could not be made or broke: worth another attempt. */
const BROKEN: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  EAI_FAIL: 'the name server failed',
  ENODATA: 'the host name has no address',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  ECONNABORTED: 'the connection was dropped',
  EPIPE: 'the connection was dropped',
  ETIMEDOUT: 'the connection timed out',
  ENETUNREACH: 'network unreachable',
  ENETDOWN: 'the network is down',
  ENETRESET: 'the network dropped the connection',
  EHOSTUNREACH: 'host unreachable',
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
  UND_ERR_CONNECT_TIMEOUT: 'connecting timed out',
  UND_ERR_HEADERS_TIMEOUT: 'no response in time',
  UND_ERR_BODY_TIMEOUT: 'no more data arrived in time',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the body ended before its announced length',
  UND_ERR_HEADERS_OVERFLOW: "the answer's headers are too long",
};

/** As without a network, where no host has responded. */
const AS_OFFLINE: ReadonlySet<string> = new Set([
  ...['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'ENETUNREACH', 'ENETDOWN'],
]);

export const CHECK_NETWORK: NextStep = {
  kind: 'advice',
  text: 'check that you are online (no host answered)',
};

/** The error of a client that no host has responded to, with the advice to look at the network. */
export function askingForNetwork(error: unknown): unknown {
  if (!isCcxriError(error, 'network') || !AS_OFFLINE.has(errnoOf(error.cause) ?? '')) return error;
  return withDetails(error, { next: [CHECK_NETWORK, ...error.next], cause: error.cause });
}

/** Retrying does not help against a certificate that is not trusted. */
const CERTIFICATE =
  /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/;

/**
 * Whether undici's parser has refused a response. Before its headers a wrong length is the parser's word
 * as well; and an error without data is no refusal, but a connection that ended within a chunk.
 */
export function isMalformed(error: unknown, within: 'head' | 'body'): boolean {
  if (!(error instanceof Error)) return false;
  if (within === 'head' && errnoOf(error) === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return true;
  if (error.name !== 'HTTPParserError') return false;
  return within === 'head' || ('data' in error && error.data !== '');
}

/** A connection that broke before any byte of a response. */
export function isBrokenSocket(error: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(errnoOf(error) ?? '');
}

/** A server that has enough connections refuses the next one in one of these ways. */
export function isRefusedConnection(error: unknown): boolean {
  return isBrokenSocket(error) || errnoOf(error) === 'ECONNREFUSED';
}

/**
 * An error of undici or the system as `network`. Anything that is not a failure of the connection is
 * returned unchanged, so that a bug stays a bug.
 */
export function toNetworkError(error: unknown, url: string): unknown {
  if (error instanceof CcxriError || !(error instanceof Error)) return error;
  // undici's parser has no code for some kinds of invalid HTTP.
  const code = error.name === 'HTTPParserError' ? 'HPE' : errnoOf(error);
  if (code === undefined) return error;
  const where = toPrintableUrl(url);
  const facts = { url: where, cause: error };
  if (CERTIFICATE.test(code)) {
    return new CcxriError('network', `the certificate of ${where} is not trusted (${code})`, {
      ...facts,
      permanent: true,
      next: [
        {
          kind: 'advice',
          text: "behind a company's proxy, set NODE_EXTRA_CA_CERTS to the path of its CA file",
        },
        { kind: 'again' },
      ],
    });
  }
  const known = BROKEN[code];
  if (known !== undefined) {
    return new CcxriError('network', `${where}: ${known} (${code})`, facts);
  }
  // undici asserts some properties of a response, such as a status of 100 or more.
  if (/^(?:HPE|ERR_SSL|ERR_TLS|UND_ERR_RESPONSE|ERR_ASSERTION)/.test(code)) {
    return new CcxriError('network', `${where}: the answer is no valid HTTP (${code})`, facts);
  }
  return error;
}
