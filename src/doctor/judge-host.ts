import type { NextStep } from '../errors.ts';
import { count, formatDuration, toPrintable } from '../text.ts';
import { type CheckResult, ok, warning } from './examination.ts';

/** One address of a host, and what came of a connection to it. */
export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
  /** Absent where the connection failed. */
  readonly tookMs?: number;
  /** Why it failed. */
  readonly failed?: string;
}

/** `files.example has 2 IPv4 addresses and 1 IPv6` */
export function judgeNames(host: string, addresses: readonly string[]): CheckResult {
  const six = addresses.filter((address) => address.includes(':')).length;
  const four = addresses.length - six;
  const shown = toPrintable(host, 100);
  if (addresses.length === 1 && addresses[0] === host) return ok(`${shown} is an address`);
  const kinds = [...(four > 0 ? [`${four} IPv4`] : []), ...(six > 0 ? [`${six} IPv6`] : [])].join(
    ' and ',
  );
  return ok(`${shown}: ${kinds} ${addresses.length === 1 ? 'address' : 'addresses'}`);
}

/**
 * Which addresses take a connection.
 * @param isProxy the host is the proxy's
 */
export function judgeAddresses(addresses: readonly Address[], isProxy: boolean): CheckResult {
  const reached = addresses.filter(({ tookMs }) => tookMs !== undefined);
  const seen = ([4, 6] as const)
    .flatMap((family) => describeFamily(family, addresses) ?? [])
    .join('; ');
  if (reached.length === addresses.length) return ok(seen);
  if (reached.length > 0) {
    const text = 'nothing has to be done: the addresses that answer are used';
    return warning(seen, [{ kind: 'advice', text }]);
  }
  const text = isProxy
    ? 'check the proxy variables (HTTPS_PROXY, HTTP_PROXY) and that the proxy runs'
    : 'check the network and its firewall, or the proxy that it may want (HTTPS_PROXY)';
  const next: NextStep = { kind: 'advice', text, or: { kind: 'option', option: 'source' } };
  return { status: 'problem', seen, code: 'network', next: [next] };
}

function describeFamily(family: 4 | 6, all: readonly Address[]): string | undefined {
  const own = all.filter((address) => address.family === family);
  if (own.length === 0) return undefined;
  const times = own.flatMap(({ tookMs }) => tookMs ?? []);
  const failures = [...new Set(own.flatMap(({ failed }) => failed ?? []))];
  const took = times.length === 0 ? '' : ` in ${formatMs(Math.min(...times))}`;
  const why = failures.length === 0 ? '' : ` (${failures.join(', ')})`;
  return `IPv${family}: ${times.length} of ${own.length} reached${took}${why}`;
}

/** `40 ms`, `2 s` */
function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.max(1, Math.round(ms))} ms` : formatDuration(ms);
}

export interface Certificate {
  readonly validFromMs: number;
  readonly validToMs: number;
  readonly issuer: string;
  /** Why it is not trusted, as Node's code. Absent: it is. */
  readonly distrust: string | undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const EXPIRES_SOON_DAYS = 14;

export function judgeCertificate(certificate: Certificate, nowMs: number): CheckResult {
  const { validFromMs, validToMs, issuer, distrust } = certificate;
  const until = dayOf(validToMs);
  const by = issuer === '' ? '' : `, issued by ${issuer}`;
  if (distrust !== undefined) {
    const isOfTime = nowMs < validFromMs || nowMs > validToMs;
    const when = isOfTime ? `: valid from ${dayOf(validFromMs)} to ${until}` : by;
    const text = isOfTime
      ? `check the clock of this machine (${dayOf(nowMs)})`
      : "behind a company's proxy, set NODE_EXTRA_CA_CERTS to the path of its CA file";
    return {
      status: 'problem',
      seen: `not trusted (${distrust})${when}`,
      code: 'network',
      next: [{ kind: 'advice', text, or: { kind: 'option', option: 'source' } }],
    };
  }
  const days = Math.floor((validToMs - nowMs) / DAY_MS);
  if (days >= EXPIRES_SOON_DAYS || Number.isNaN(days)) return ok(`trusted until ${until}${by}`);
  const text = 'fetch before that, or tell the server’s owner';
  return warning(`trusted, but it expires in ${count(days, 'day')} (${until})${by}`, [
    { kind: 'advice', text },
  ]);
}

function dayOf(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 10) : 'an unknown day';
}

/** Dates in `Retry-After` and certificates are judged by our clock. */
const CLOCK_MARGIN_MS = 5 * 60_000;

/**
 * The server's clock against ours.
 * @param date the header `Date`
 * @param age the header `Age`: seconds that a cache has held the response
 * @returns undefined: the server does not say what time it has
 */
export function judgeClock(
  { date, age }: { readonly date: string | undefined; readonly age: string | undefined },
  nowMs: number,
): CheckResult | undefined {
  const ageMs = /^\d{1,9}$/.test(age ?? '') ? Number(age) * 1000 : 0;
  const offMs = nowMs - (Date.parse(date ?? '') + ageMs);
  if (!Number.isFinite(offMs)) return undefined;
  if (Math.abs(offMs) <= CLOCK_MARGIN_MS) return ok("the server's clock and ours agree");
  const way = offMs > 0 ? 'ahead of' : 'behind';
  const text = 'set the clock of this machine, if it is the one that is wrong';
  return warning(`our clock is ${formatDuration(Math.abs(offMs))} ${way} the server's`, [
    { kind: 'advice', text },
  ]);
}
