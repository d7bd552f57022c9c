import { describe, expect, it } from 'vitest';
import {
  type TransferAction,
  type TransferEvent,
  type TransferFacts,
  type TransferState,
  PARALLEL_BYTES,
  PROGRESS_BYTES,
  decideNext,
  requestModeOf,
  startState,
} from '../../src/download/transfer-decisions.ts';
import { CcxriError } from '../../src/errors.ts';
import { DEFAULT_RETRY_POLICY } from '../../src/http/retry-policy.ts';

const MIB = 1024 * 1024;
const facts: TransferFacts = {
  file: 'a.zip',
  heldBytes: 5 * MIB,
  policy: DEFAULT_RETRY_POLICY,
  isKnown: false,
  now: new Date('2026-11-28T00:00:00Z'),
  random: 0.5,
};
const held = startState(5 * MIB);
const status = (code: number) => new CcxriError('http-status', `${code}`, { status: code });
const network = new CcxriError('network', 'broke off');
const gone = new CcxriError('file-not-at-source', '404', { status: 404 });
const reset = new CcxriError('network', 'a reset', {
  cause: Object.assign(new Error(), { code: 'ECONNRESET' }),
});
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
    becomes: { isProven: true, attempts: 0 },
  },
  {
    name: 'a probe brought less than its segment: several connections as well',
    event: { ...ended, mode: 'probe', isAsRequested: false, receivedBytes: 1 },
    action: request,
    becomes: { isProven: true },
  },
  {
    name: 'a probe was cut: it proves nothing',
    event: { ...ended, mode: 'probe', isCut: true },
    action: retry,
    becomes: { isProven: false, attempts: 1 },
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

  // Retries.
  {
    name: '#1 a connection broke: resume after a delay',
    event: { kind: 'failed', asked: 'rest', error: network },
    action: { ...retry, delayMs: 750 },
    becomes: { attempts: 1, withoutProgress: 1 },
  },
  {
    name: '#15 it broke after some progress: the count starts over',
    event: { kind: 'failed', asked: 'rest', error: network },
    state: { attempts: 9, withoutProgress: 9, mostBytes: 5 * MIB - PROGRESS_BYTES },
    action: { ...retry, delayMs: 750 },
    becomes: { attempts: 10, withoutProgress: 1, mostBytes: 5 * MIB },
  },
  {
    name: '#15 it broke after less: the count goes on',
    event: { kind: 'failed', asked: 'rest', error: network },
    state: { attempts: 1, withoutProgress: 1, mostBytes: 5 * MIB - few },
    action: { ...retry, delayMs: 1500 },
    becomes: { attempts: 2, withoutProgress: 2, mostBytes: 5 * MIB - few },
  },
  {
    name: '#15 reaching what was here before is no progress',
    event: { kind: 'failed', asked: 'rest', error: network },
    state: { attempts: 10, withoutProgress: 10, mostBytes: 100 * MIB },
    action: { ...giveUp, isExhausted: true },
  },
  {
    name: '#15 the absolute cap, with progress each time',
    event: { kind: 'failed', asked: 'rest', error: network },
    state: { attempts: 999, mostBytes: 0 },
    action: { ...giveUp, isExhausted: true },
  },
  {
    name: '#11 503 with a wait',
    event: {
      kind: 'failed',
      asked: 'rest',
      error: new CcxriError('http-status', '', { status: 503, retryAfterS: 20 }),
    },
    action: { ...retry, delayMs: 21_000 },
  },
  {
    name: '#11 503 with a wait of a day: given up, and the host is not down',
    event: {
      kind: 'failed',
      asked: 'rest',
      error: new CcxriError('http-status', '', { status: 503, retryAfterS: 86_400 }),
    },
    action: { ...giveUp, isExhausted: false },
  },
  {
    name: 'a host that never answered another file either: one attempt',
    event: { kind: 'failed', asked: 'rest', error: network },
    facts: { isKnown: true },
    action: { ...giveUp, isExhausted: true },
  },
  {
    name: 'a full disk is not retried',
    event: { kind: 'failed', asked: 'rest', error: new CcxriError('disk-full', '') },
    action: { ...giveUp, isExhausted: false },
  },
  {
    name: 'a stop is not retried',
    event: { kind: 'failed', asked: 'rest', error: new CcxriError('aborted', '') },
    action: { ...giveUp, isExhausted: false },
  },

  // Addresses that expire.
  ...[status(400), status(401), status(403), gone].map((error): Row => ({
    name: `#40 ${error.message} for the rest of a file: the source may have a new address`,
    event: { kind: 'failed', asked: 'rest', error },
    action: { kind: 'relocate', error },
    becomes: { hasRelocated: true, attempts: 1 },
  })),
  {
    name: '#13 #188 403 for a file of which nothing is here: a few times more',
    event: { kind: 'failed', asked: 'whole', error: status(403) },
    facts: { heldBytes: 0 },
    action: { ...retry, delayMs: 750 },
  },
  {
    name: '#13 403 for the fourth time',
    event: { kind: 'failed', asked: 'whole', error: status(403) },
    state: { attempts: 3, withoutProgress: 3 },
    facts: { heldBytes: 0 },
    action: { ...giveUp, isExhausted: true },
  },
  {
    name: '#13 403, which another file has met until it gave up',
    event: { kind: 'failed', asked: 'whole', error: status(403) },
    facts: { heldBytes: 0, isKnown: true },
    action: { ...giveUp, isExhausted: true },
  },
  {
    name: '#40 403 again at the new address',
    event: { kind: 'failed', asked: 'rest', error: status(403) },
    state: { hasRelocated: true, attempts: 1, withoutProgress: 1 },
    action: { ...retry, delayMs: 1500 },
    becomes: { asking: 'segment', refusals: 1 },
  },
  {
    name: '#198 502 until the attempts are used up: the source may have a new address',
    event: { kind: 'failed', asked: 'rest', error: status(502) },
    state: { attempts: 10, withoutProgress: 10 },
    action: { kind: 'relocate' },
  },
  {
    name: '#40 403 again, after the new address has served: another new one',
    event: { kind: 'failed', asked: 'rest', error: status(403) },
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
    state: { hasRelocated: true, attempts: 4, withoutProgress: 4 },
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
    const { action } = decideNext(
      before,
      { kind: 'failed', asked: 'rest', error },
      { ...facts, ...more },
    );
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
    expect(giveUpWith(network, { isKnown: true })?.message).toBe(
      'broke off (tried once: another file met the same)',
    );
  });

  it('says how long the server asked to wait', () => {
    const error = new CcxriError('http-status', '503', { status: 503, retryAfterS: 86_400 });
    expect(giveUpWith(error)?.message).toContain('; it asks to wait ');
  });
});

it.each([
  {
    asking: 'segment',
    isProven: false,
    connections: 8,
    missing: PARALLEL_BYTES + 1,
    mode: 'probe',
  },
  { asking: 'segment', isProven: false, connections: 8, missing: PARALLEL_BYTES, mode: 'single' },
  { asking: 'segment', isProven: false, connections: 1, missing: 1e9, mode: 'single' },
  { asking: 'rest', isProven: false, connections: 8, missing: 1e9, mode: 'single' },
  { asking: 'whole', isProven: false, connections: 8, missing: 1e9, mode: 'single' },
  { asking: 'segment', isProven: true, connections: 8, missing: 1, mode: 'parallel' },
  { asking: 'segment', isProven: true, connections: 1, missing: 1e9, mode: 'single' },
] as const)(
  '$asking, proven: $isProven, $connections connections, $missing bytes: $mode',
  (row) => {
    const { asking, isProven } = row;
    expect(requestModeOf({ ...held, asking, isProven }, row.connections, row.missing)).toBe(
      row.mode,
    );
  },
);

it('a host that serves whole files alone is still asked for the rest of one', () => {
  expect(startState(0, 'whole').asking).toBe('whole');
  expect(startState(MIB, 'whole').asking).toBe('rest');
});

function asWhole(event: TransferEvent): TransferEvent {
  if (event.kind === 'failed') return { ...event, asked: 'whole' };
  if (event.kind !== 'unsatisfied' && event.kind !== 'unusable') return event;
  return { kind: 'unusable', asked: 'whole', error: event.error };
}

it('no sequence of answers without new bytes lasts for ever', () => {
  const events: readonly TransferEvent[] = [
    { kind: 'failed', asked: 'rest', error: network },
    { ...ended, mode: 'single', isAsRequested: false, receivedBytes: 0 },
    { ...ended, mode: 'parallel', isAsRequested: false, isCut: true, receivedBytes: 0 },
    { kind: 'unusable', asked: 'whole', error: network },
    { kind: 'unsatisfied', asked: 'rest', error: network },
    { kind: 'failed', asked: 'segment', error: reset },
    { kind: 'failed', asked: 'rest', error: status(403) },
    { kind: 'failed', asked: 'rest', error: status(500) },
  ];
  for (const event of events) {
    let state = held;
    let action: TransferAction = request;
    for (let n = 0; n < 30 && action.kind !== 'give-up'; n += 1) {
      // A server that meets a humbler request in the same way.
      const again = state.asking === 'whole' ? asWhole(event) : event;
      ({ state, action } = decideNext(state, again, facts));
    }
    expect(action.kind).toBe('give-up');
  }
});
