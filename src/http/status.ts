import type { Clock } from '../clock.ts';
import { CcxriError, type NextStep } from '../errors.ts';
import { toPrintableUrl } from '../text.ts';
import type { HttpAnswer } from './deadline.ts';
import { describeProxy } from './proxy.ts';
import { parseRetryAfter } from './retry.ts';
import { wallOf } from './walls.ts';

/**
 * The error for a response whose status is not a success.
 * @param start the beginning of its body, which may show a wall
 */
export function toStatusError(answer: HttpAnswer, clock: Clock, start?: Uint8Array): CcxriError {
  const where = toPrintableUrl(answer.url);
  const retryAfterS = parseRetryAfter(answer.header('retry-after'), clock.date());
  const { status } = answer;
  const wall = wallOf({ status: answer.status, header: answer.header, start });
  const meaning = wall?.name ?? MEANINGS[status];
  const what = meaning === undefined ? '' : ` (${meaning})`;
  const { proxy } = answer;
  const by = proxy === undefined ? '' : `, ${describeProxy(proxy)}`;
  return new CcxriError('http-status', `${where} answers with status ${status}${what}${by}`, {
    url: where,
    proxy: proxy?.shown,
    status,
    retryAfterS,
    // A challenge is not asked again and again.
    ...(wall?.isCertain === true ? { permanent: true } : {}),
    next: wall?.next ?? NEXT[status],
  });
}

const MEANINGS: Readonly<Record<number, string>> = {
  401: 'it wants a user and password',
  404: 'not found',
  407: 'the proxy wants a user and password',
  410: 'gone',
  429: 'too many requests',
  503: 'busy',
};

const NEXT: Readonly<Record<number, readonly NextStep[]>> = {
  401: [
    {
      kind: 'option',
      option: 'header',
      value: 'Authorization: …',
      purpose: 'with the credentials it wants',
    },
  ],
  407: [
    {
      kind: 'advice',
      text: 'put user and password into HTTPS_PROXY: http://user:password@proxy:3128',
    },
    { kind: 'again' },
  ],
};
