import { describe, expect, it } from 'vitest';
import {
  type TransferAction,
  type TransferEvent,
  type TransferFacts,
  type TransferState,
  PARALLEL_BYTES,
  PROGRESS_BYTES,
  type ConnectionEnd,
  decideConnection,
  decideNext,
  requestModeOf,
  startState,
} from '../../src/download/transfer-decisions.ts';
import { CcxriError } from '../../src/errors.ts';
import { DEFAULT_RETRY_POLICY } from '../../src/http/retry.ts';

const MIB = 1024 * 1024;
const facts: TransferFacts = {
  file: 'a.zip',
  heldBytes: 5 * MIB,
  policy: DEFAULT_RETRY_POLICY,
  isUnresponsive: false,
  random: 0.5,
};
const held = startState(5 * MIB);
const status = (code: number) => new CcxriError('http-status', `${code}`, { status: code });
const network = new CcxriError('network', 'broke off');
const gone = new CcxriError('file-not-at-source', '404');
const ended: TransferEvent = {
  kind: 'ended',
  mode: 'single',
  isAsRequested: true,
  isCut: false,
  receivedBytes: MIB,
};
const few = PROGRESS_BYTES - 1;

interface Row {
  readonly name: string;
  readonly event: TransferEvent;
  readonly state?: Partial<TransferState>;
  readonly facts?: Partial<TransferFacts>;
  readonly action: Partial<TransferAction>;
  readonly becomes?: Partial<TransferState>;
}

const retry = { kind: 'retry' } as const;
const giveUp = { kind: 'give-up' } as const;
const request = { kind: 'request' } as const;

const rows: readonly Row[] = [
  { name: 'all is here', event: { kind: 'complete' }, action: { kind: 'done' } },

  // One body ended, and more is missing.
  {
    name: 'a probe brought its segment: several connections',
    event: { ...ended, mode: 'probe' },
    action: request,
    becomes: { ranges: 'proven', attempts: 0 },
  },
  {
    name: 'a probe brought less than its segment: several connections as well',
    event: { ...ended, mode: 'probe', isAsRequested: false, receivedBytes: 1 },
    action: request,
    becomes: { ranges: 'proven' },
  },
  {
    name: 'a probe was cut: it proves nothing',
    event: { ...ended, mode: 'probe', isCut: true },
    action: retry,
    becomes: { ranges: 'unknown', attempts: 1 },
  },
  {
    name: 'a gap was filled: the next one',
    event: { ...ended, receivedBytes: 10 },
    action: request,
    becomes: { attempts: 0 },
  },
  {
    name: 'the server cuts segments as it likes, large ones: the next one',
    event: { ...ended, isAsRequested: false, receivedBytes: PROGRESS_BYTES },
    action: request,
    becomes: { attempts: 0 },
  },
  {
    name: '#15 the server gives a few bytes a request: a failed attempt',
    event: { ...ended, isAsRequested: false, receivedBytes: few },
    action: retry,
    becomes: { attempts: 1, withoutProgress: 1 },
  },
  {
    name: '#15 the same for the eleventh time in a row',
    event: { ...ended, isAsRequested: false, receivedBytes: few },
    state: { attempts: 10, withoutProgress: 10 },
    action: { ...giveUp, isExhausted: true },
  },
  {
    name: '#3 a body is shorter than announced: a failed attempt',
    event: { ...ended, isCut: true },
    action: retry,
    becomes: { attempts: 1 },
  },

  // Ranges.
  {
    name: '#41 a connection of several got the whole file: one connection',
    event: { kind: 'ranges-ignored' },
    state: { ranges: 'proven' },
    action: request,
    becomes: { ranges: 'refused', mayResume: true },
  },
  {
    name: '#42 the answer is not of the bytes on disk: from byte 0, over one connection',
    event: { kind: 'unusable', isPlain: false, error: network },
    action: { ...retry, delayMs: 0 },
    becomes: { ranges: 'refused', mayResume: false, attempts: 0 },
  },
  {
    name: '#42 and so is the answer to a plain request: a failed attempt',
    event: { kind: 'unusable', isPlain: true, error: network },
    action: retry,
    becomes: { mayResume: true, attempts: 1 },
  },
  {
    name: 'a restart that fails before its first byte gives the bytes on disk another chance',
    event: { kind: 'failed', error: network },
    state: { ranges: 'refused', mayResume: false },
    action: retry,
    becomes: { ranges: 'refused', mayResume: true },
  },
  {
    name: 'what several connections proved is proved anew after a failure',
    event: { kind: 'failed', error: network },
    state: { ranges: 'proven' },
    action: retry,
    becomes: { ranges: 'unknown' },
  },

  // Retries.
  {
    name: '#1 a connection broke: resume after a delay',
    event: { kind: 'failed', error: network },
    action: { ...retry, delayMs: 750 },
    becomes: { attempts: 1, withoutProgress: 1, mayResume: true },
  },
  {
    name: '#15 it broke after some progress: the count starts over',
    event: { kind: 'failed', error: network },
    state: { attempts: 9, withoutProgress: 9, mostBytes: 5 * MIB - PROGRESS_BYTES },
    action: { ...retry, delayMs: 750 },
    becomes: { attempts: 10, withoutProgress: 1, mostBytes: 5 * MIB },
  },
  {
    name: '#15 it broke after less: the count goes on',
    event: { kind: 'failed', error: network },
    state: { attempts: 1, withoutProgress: 1, mostBytes: 5 * MIB - few },
    action: { ...retry, delayMs: 1500 },
    becomes: { attempts: 2, withoutProgress: 2, mostBytes: 5 * MIB - few },
  },
  {
    name: '#15 reaching what was here before is no progress',
    event: { kind: 'failed', error: network },
    state: { attempts: 10, withoutProgress: 10, mostBytes: 100 * MIB },
    action: { ...giveUp, isExhausted: true },
  },
  {
    name: '#15 the absolute cap, with progress each time',
    event: { kind: 'failed', error: network },
    state: { attempts: 999, mostBytes: 0 },
    action: { ...giveUp, isExhausted: true },
  },
  {
    name: '#11 503 with a wait',
    event: {
      kind: 'failed',
      error: new CcxriError('http-status', '', { status: 503, retryAfterS: 20 }),
    },
    action: { ...retry, delayMs: 21_000 },
  },
  {
    name: '#11 503 with a wait of a day: given up, and the host is not down',
    event: {
      kind: 'failed',
      error: new CcxriError('http-status', '', { status: 503, retryAfterS: 86_400 }),
    },
    action: { ...giveUp, isExhausted: false },
  },
  {
    name: 'a host that never answered another file either: one attempt',
    event: { kind: 'failed', error: network },
    facts: { isUnresponsive: true },
    action: { ...giveUp, isExhausted: true },
  },
  {
    name: 'a full disk is not retried',
    event: { kind: 'failed', error: new CcxriError('disk-full', '') },
    action: { ...giveUp, isExhausted: false },
  },
  {
    name: 'a stop is not retried',
    event: { kind: 'failed', error: new CcxriError('aborted', '') },
    action: { ...giveUp, isExhausted: false },
  },

  // Addresses that expire.
  ...[status(400), status(401), status(403), gone].map((error): Row => ({
    name: `#40 ${error.message} for the rest of a file: the source may have a new address`,
    event: { kind: 'failed', error },
    action: { kind: 'relocate', error },
    becomes: { hasRelocated: true, attempts: 1 },
  })),
  {
    name: '#13 403 for a file of which nothing is here',
    event: { kind: 'failed', error: status(403) },
    facts: { heldBytes: 0 },
    action: { ...giveUp, isExhausted: false },
  },
  {
    name: '#40 403 again at the new address',
    event: { kind: 'failed', error: status(403) },
    state: { hasRelocated: true },
    action: giveUp,
  },
  {
    name: '#40 403 again, after the new address has served: another new one',
    event: { kind: 'failed', error: status(403) },
    state: { hasRelocated: true, mostBytes: MIB },
    action: { kind: 'relocate' },
  },
  {
    name: '#40 a new address: at once',
    event: { kind: 'relocated', hasUrl: true, error: status(403) },
    state: { hasRelocated: true, attempts: 1 },
    action: { ...retry, delayMs: 0 },
    becomes: { attempts: 1 },
  },
  {
    name: '#40 no new address',
    event: { kind: 'relocated', hasUrl: false, error: status(403) },
    state: { hasRelocated: true, attempts: 1 },
    action: giveUp,
  },
];

describe('what follows when', () => {
  it.each(rows)('$name', (row) => {
    const decision = decideNext({ ...held, ...row.state }, row.event, { ...facts, ...row.facts });
    expect(decision.action).toMatchObject(row.action);
    expect(decision.state).toMatchObject(row.becomes ?? {});
  });
});

describe('a transfer that is given up', () => {
  const giveUpWith = (error: CcxriError, more: Partial<TransferFacts> = {}) => {
    const before = { ...held, attempts: 10, withoutProgress: 10 };
    const { action } = decideNext(before, { kind: 'failed', error }, { ...facts, ...more });
    return action.kind === 'give-up' ? action.error : undefined;
  };

  it('says after how many attempts', () => {
    expect(giveUpWith(network)).toMatchObject({
      code: 'network',
      message: 'broke off (11 attempts)',
      facts: { attempts: 11 },
    });
  });

  it('says that the host was known not to answer', () => {
    expect(giveUpWith(network, { isUnresponsive: true })?.message).toBe(
      'broke off (tried once: it did not answer for another file either)',
    );
  });

  it('says how long the server asked to wait', () => {
    const error = new CcxriError('http-status', '503', { status: 503, retryAfterS: 86_400 });
    expect(giveUpWith(error)?.message).toContain('; it asks to wait ');
  });
});

it.each([
  { ranges: 'unknown', connections: 8, missing: PARALLEL_BYTES + 1, mode: 'probe' },
  { ranges: 'unknown', connections: 8, missing: PARALLEL_BYTES, mode: 'single' },
  { ranges: 'unknown', connections: 1, missing: 100 * PARALLEL_BYTES, mode: 'single' },
  { ranges: 'refused', connections: 8, missing: 100 * PARALLEL_BYTES, mode: 'single' },
  { ranges: 'proven', connections: 8, missing: 1, mode: 'parallel' },
] as const)('$ranges ranges, $connections connections, $missing bytes missing: $mode', (row) => {
  const state = { ...held, ranges: row.ranges };
  expect(requestModeOf(state, row.connections, row.missing)).toBe(row.mode);
});

describe('one of several connections', () => {
  const cut = { ...ended, mode: 'parallel', isCut: true } as const;
  const failed = (error: CcxriError): ConnectionEnd => ({ kind: 'failed', error });
  const stalled = new CcxriError('stalled', 'nothing came');
  const rest: readonly (readonly [string, ConnectionEnd, bytes: number, action: string])[] = [
    ['has its segment', { ...cut, isCut: false }, 10, 'next'],
    ['has the last one', { kind: 'complete' }, 10, 'next'],
    ['has a part of its segment, which is progress', cut, PROGRESS_BYTES, 'next'],
    ['#16 has a few bytes of its segment', cut, few, 'close'],
    [
      'has all that was served, which is a few bytes',
      { ...cut, isAsRequested: false },
      few,
      'close',
    ],
    [
      '#1 is reset after some progress: it goes on without delay',
      failed(network),
      PROGRESS_BYTES,
      'retry',
    ],
    ['stalls after some progress', failed(stalled), PROGRESS_BYTES, 'retry'],
    ['#39 is reset before that', failed(network), few, 'close'],
    ['#12 is refused', failed(status(429)), 0, 'close'],
    ['gets 404', failed(gone), 0, 'close'],
    ['#41 gets the whole file', { kind: 'ranges-ignored' }, 0, 'finish'],
    ['#42 gets something else', { kind: 'unusable', isPlain: false, error: network }, 0, 'finish'],
    ['#71 meets a full disk', failed(new CcxriError('disk-full', '')), 5 * MIB, 'finish'],
    ['is stopped', failed(new CcxriError('aborted', '')), 5 * MIB, 'finish'],
  ];
  it.each(rest)('%s', (_, end, receivedBytes, kind) => {
    expect(decideConnection(end, receivedBytes, 'a.zip').kind).toBe(kind);
  });
});

it('no sequence of answers without new bytes lasts for ever', () => {
  const events: readonly TransferEvent[] = [
    { kind: 'failed', error: network },
    { ...ended, mode: 'single', isAsRequested: false, receivedBytes: 0 },
    { ...ended, mode: 'parallel', isAsRequested: false, isCut: true, receivedBytes: 0 },
    { kind: 'unusable', isPlain: true, error: network },
  ];
  for (const event of events) {
    let state = held;
    let action: TransferAction = request;
    for (let n = 0; n < 20 && action.kind !== 'give-up'; n += 1) {
      ({ state, action } = decideNext(state, event, facts));
    }
    expect(action.kind).toBe('give-up');
  }
});
