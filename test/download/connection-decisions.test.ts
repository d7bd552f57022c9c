import { describe, expect, it } from 'vitest';
import { decideConnection } from '../../src/download/connection-decisions.ts';
import { type ConnectionEnd, PROGRESS_BYTES } from '../../src/download/transfer-decisions.ts';
import { CcxriError } from '../../src/errors.ts';

const MIB = 1024 * 1024;
const few = PROGRESS_BYTES - 1;
const status = (code: number) => new CcxriError('http-status', `${code}`, { status: code });
const network = new CcxriError('network', 'broke off');
const gone = new CcxriError('file-not-at-source', '404');

describe('one of several connections', () => {
  const cut = {
    kind: 'ended',
    mode: 'parallel',
    isAsRequested: true,
    isCut: true,
    receivedBytes: MIB,
  } as const;
  const failed = (error: CcxriError): ConnectionEnd => ({
    kind: 'failed',
    asked: 'segment',
    error,
  });
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
    ['#41 gets the whole file', { kind: 'ranges-ignored', asked: 'segment' }, 0, 'close'],
    ['#42 gets something else', { kind: 'unusable', asked: 'segment', error: network }, 0, 'close'],
    ['#177 gets 416', { kind: 'unsatisfied', asked: 'segment', error: network }, 0, 'close'],
    ['#71 meets a full disk', failed(new CcxriError('disk-full', '')), 5 * MIB, 'finish'],
    ['is stopped', failed(new CcxriError('aborted', '')), 5 * MIB, 'finish'],
  ];
  it.each(rest)('%s', (_, end, receivedBytes, kind) => {
    expect(decideConnection(end, receivedBytes, 'a.zip').kind).toBe(kind);
  });
});
