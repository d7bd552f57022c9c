import { describe, expect, it } from 'vitest';
import {
  type TransferAction,
  type TransferEvent,
  type TransferFacts,
  type TransferState,
  decideNext,
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
const reset = new CcxriError('network', 'a reset', {
  cause: Object.assign(new Error(), { code: 'ECONNRESET' }),
});

interface Row {
  readonly name: string;
  readonly event: TransferEvent;
  readonly state?: Partial<TransferState>;
  readonly facts?: Partial<TransferFacts>;
  readonly action: Partial<TransferAction>;
  readonly becomes?: Partial<TransferState>;
}

const retry = { kind: 'retry' } as const;
const request = { kind: 'request' } as const;

const rows: readonly Row[] = [
  {
    name: '#41 the last of several connections got the whole file: one connection',
    event: { kind: 'ranges-ignored', asked: 'segment' },
    state: { isProven: true },
    action: request,
    becomes: { asking: 'rest', isProven: false },
  },
  {
    name: '#180 #41 the whole file instead of the rest: another node may serve it',
    event: { kind: 'ranges-ignored', asked: 'rest' },
    action: request,
    becomes: { asking: 'segment', refusals: 1, attempts: 0 },
  },
  {
    name: '#41 the whole file instead of the rest, twice: the whole file',
    event: { kind: 'ranges-ignored', asked: 'rest' },
    state: { refusals: 1 },
    action: request,
    becomes: { asking: 'whole' },
  },
  ...(['unusable', 'unsatisfied'] as const).map((kind): Row => ({
    name: `#43 #177 a first segment is ${kind}: the whole file`,
    event: { kind, asked: 'segment', error: network },
    facts: { heldBytes: 0 },
    action: { ...retry, delayMs: 0 },
    becomes: { asking: 'whole', attempts: 0 },
  })),
  {
    name: '#43 a segment can not be placed: the rest',
    event: { kind: 'unusable', asked: 'segment', error: network },
    action: { ...retry, delayMs: 0 },
    becomes: { asking: 'rest', attempts: 0 },
  },
  {
    name: '#42 the rest can not be placed: the whole file',
    event: { kind: 'unusable', asked: 'rest', error: network },
    action: { ...retry, delayMs: 0 },
    becomes: { asking: 'whole', attempts: 0 },
  },
  {
    name: '#42 and neither can the whole file: a failed attempt',
    event: { kind: 'unusable', asked: 'whole', error: network },
    action: retry,
    becomes: { attempts: 1 },
  },
  {
    name: '#177 there is nothing where something is missing: what is here is kept, after a delay',
    event: { kind: 'unsatisfied', asked: 'rest', error: network },
    action: { ...retry, delayMs: 750 },
    becomes: { asking: 'segment', unsatisfied: 1, attempts: 1 },
  },
  {
    name: '#177 and for the fourth time: the whole file',
    event: { kind: 'unsatisfied', asked: 'rest', error: network },
    state: { unsatisfied: 3 },
    action: { ...retry, delayMs: 0 },
    becomes: { asking: 'whole' },
  },
  ...[400, 403, 404, 405, 406, 204, 202, 501].map((code): Row => ({
    name: `#183 ${code} to a first segment: the whole file, at once`,
    event: { kind: 'failed', asked: 'segment', error: status(code) },
    facts: { heldBytes: 0 },
    action: { ...retry, delayMs: 0 },
    becomes: { asking: 'whole' },
  })),
  ...[status(500), status(503), reset].flatMap((error): readonly Row[] => [
    {
      name: `#183 ${error.message} to a first segment: once more`,
      event: { kind: 'failed', asked: 'segment', error },
      facts: { heldBytes: 0 },
      action: { ...retry, delayMs: 750 },
      becomes: { asking: 'segment', refusals: 1 },
    },
    {
      name: `#183 ${error.message} to a first segment, twice: the whole file`,
      event: { kind: 'failed', asked: 'segment', error },
      state: { refusals: 1 },
      facts: { heldBytes: 0 },
      action: retry,
      becomes: { asking: 'whole', refusals: 0 },
    },
    {
      name: `#183 ${error.message} for the rest, four times: the whole file`,
      event: { kind: 'failed', asked: 'rest', error },
      state: { refusals: 3 },
      action: retry,
      becomes: { asking: 'whole' },
    },
  ]),
  {
    name: '#183 what broke in its body had been granted: it says nothing against ranges',
    event: { kind: 'failed', asked: 'segment', isInBody: true, error: reset },
    state: { refusals: 1 },
    facts: { heldBytes: 0 },
    action: { ...retry, delayMs: 750 },
    becomes: { asking: 'segment', refusals: 0 },
  },
  {
    name: '#183 the whole file broke off after some progress: what came of it is worth a range',
    event: { kind: 'failed', asked: 'whole', isInBody: true, error: network },
    state: { asking: 'whole', mostBytes: 0 },
    action: retry,
    becomes: { asking: 'rest' },
  },
  {
    name: 'all attempts are used up, and less has not been asked for: that is tried',
    event: { kind: 'failed', asked: 'rest', error: status(500) },
    state: { refusals: 3, attempts: 10, withoutProgress: 10, hasRelocated: true },
    action: { ...retry, delayMs: 0 },
    becomes: { asking: 'whole' },
  },
  {
    name: 'what a probe proved is proved anew after a failure',
    event: { kind: 'failed', asked: 'segment', error: network },
    state: { isProven: true },
    action: retry,
    becomes: { isProven: false },
  },
  // What says nothing of ranges, and what comes first.
  ...[401, 407, 408, 410, 425, 429].map((code): Row => ({
    name: `${code} to a first segment says nothing of ranges`,
    event: { kind: 'failed', asked: 'segment', error: status(code) },
    facts: { heldBytes: 0 },
    action: {},
    becomes: { asking: 'segment', refusals: 0 },
  })),
  {
    name: '#191 a wall says nothing of ranges',
    event: {
      kind: 'failed',
      asked: 'segment',
      error: new CcxriError('not-the-file', 'a wall', { permanent: true }),
    },
    facts: { heldBytes: 0 },
    action: { kind: 'give-up' },
    becomes: { asking: 'segment' },
  },
  {
    name: '#183 500 for the rest, after some progress: ranges are served',
    event: { kind: 'failed', asked: 'rest', error: status(500) },
    state: { refusals: 3, mostBytes: 4 * MIB },
    action: retry,
    becomes: { asking: 'segment', refusals: 0 },
  },
  {
    name: '#183 500 for the rest, three times: a server that is busy gets its time',
    event: { kind: 'failed', asked: 'rest', error: status(500) },
    state: { refusals: 2 },
    action: { ...retry, delayMs: 750 },
    becomes: { asking: 'segment', refusals: 3 },
  },
  {
    name: '#198 #183 403 for the rest, twice: first the new address, then the whole file',
    event: { kind: 'failed', asked: 'rest', error: status(403) },
    state: { refusals: 1 },
    action: { kind: 'relocate' },
    becomes: { asking: 'whole' },
  },
  {
    name: '#10 #183 500 with a wait: the whole file after that wait',
    event: {
      kind: 'failed',
      asked: 'rest',
      error: new CcxriError('http-status', '500', { status: 500, retryAfterS: 20 }),
    },
    state: { refusals: 3 },
    action: { ...retry, delayMs: 21_000 },
    becomes: { asking: 'whole' },
  },
  {
    name: '#183 503 at the end of all attempts: the whole file is tried all the same',
    event: { kind: 'failed', asked: 'rest', error: status(503) },
    state: { refusals: 3, attempts: 10, withoutProgress: 10, hasRelocated: true },
    action: { ...retry, delayMs: 0 },
    becomes: { asking: 'whole' },
  },
  {
    name: 'what is served ends a row of refusals',
    event: {
      kind: 'ended',
      mode: 'single',
      isAsRequested: true,
      isCut: false,
      receivedBytes: MIB,
    },
    state: { refusals: 1 },
    action: request,
    becomes: { refusals: 0 },
  },
  {
    name: 'the whole file broke off without progress: it is asked for again',
    event: { kind: 'failed', asked: 'whole', isInBody: true, error: network },
    state: { asking: 'whole' },
    action: retry,
    becomes: { asking: 'whole' },
  },
];

describe('what is asked for when the last request was of no use', () => {
  it.each(rows)('$name', (row) => {
    const decision = decideNext({ ...held, ...row.state }, row.event, { ...facts, ...row.facts });
    expect(decision.action).toMatchObject(row.action);
    expect(decision.state).toMatchObject(row.becomes ?? {});
  });
});
