import { CcxriError, isCcxriError, withDetails } from '../errors.ts';
import { decideRetry, type RetryPolicy } from '../http/retry.ts';
import { formatDuration } from '../text.ts';

/** Fewer new bytes than this are no progress: a server must not hold us with a few bytes a request. */
export const PROGRESS_BYTES = 64 * 1024;
/** With less than this missing, one connection is as good as several. */
export const PARALLEL_BYTES = 16 * 1024 * 1024;

/**
 * How the next request is made: a small first segment that shows whether the server serves ranges; one
 * connection to the end of the file; or several connections, each with a segment of its own.
 */
export type RequestMode = 'probe' | 'single' | 'parallel';

/** What a transfer from one location has learned of its server. Replaced, never changed. */
export interface TransferState {
  /** `proven`: by the request before this one. `refused`: never ask for a segment again. */
  readonly ranges: 'unknown' | 'proven' | 'refused';
  /** false: the bytes on disk turned out to be of no use, the next request starts at byte 0. */
  readonly mayResume: boolean;
  /** Failed attempts. */
  readonly attempts: number;
  /** Of those, the last ones that brought no new bytes. */
  readonly withoutProgress: number;
  /** The most bytes that were ever on disk: to reach that again is no progress. */
  readonly mostBytes: number;
  /** The location was looked up again, and nothing has arrived since. */
  readonly hasRelocated: boolean;
}

export function startState(heldBytes: number): TransferState {
  return {
    ranges: 'unknown',
    mayResume: true,
    attempts: 0,
    withoutProgress: 0,
    mostBytes: heldBytes,
    hasRelocated: false,
  };
}

/** How a request that did not fail has ended. */
export type SegmentEnd =
  /** All of the file is here. */
  | { readonly kind: 'complete' }
  /** One body ended in good order, and more of the file is missing. */
  | {
      readonly kind: 'ended';
      readonly mode: RequestMode;
      /** It held what was requested, not less. */
      readonly isAsRequested: boolean;
      /** It is shorter than its own headers announced. */
      readonly isCut: boolean;
      readonly receivedBytes: number;
    }
  /** One of several connections got the whole file instead of its segment. */
  | { readonly kind: 'ranges-ignored' }
  /** The answer is not of the bytes on disk. `isPlain`: nothing but the whole file was requested. */
  | { readonly kind: 'unusable'; readonly isPlain: boolean; readonly error: CcxriError };

export type ConnectionEnd = SegmentEnd | { readonly kind: 'failed'; readonly error: CcxriError };

/** How one request, or several side by side, ended. */
export type TransferEvent =
  | ConnectionEnd
  /** The source was asked for the location again, after this error. */
  | { readonly kind: 'relocated'; readonly hasUrl: boolean; readonly error: CcxriError };

export type TransferAction =
  | { readonly kind: 'done' }
  /** Request what is missing, at once. */
  | { readonly kind: 'request' }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly error: CcxriError }
  /** Ask the source for the location again. */
  | { readonly kind: 'relocate'; readonly error: CcxriError }
  | {
      readonly kind: 'give-up';
      /** All attempts were used up: the host may be down. */
      readonly isExhausted: boolean;
      readonly error: CcxriError;
    };

/** What a decision depends on beside the state. */
export interface TransferFacts {
  readonly file: string;
  readonly heldBytes: number;
  readonly policy: RetryPolicy;
  /** Another file has waited for this host in vain: one attempt is enough. */
  readonly isUnresponsive: boolean;
  /** 0 <= x < 1: jitter. */
  readonly random: number;
}

export interface TransferDecision {
  readonly state: TransferState;
  readonly action: TransferAction;
}

/** The policy of a transfer: what to do after each event. Pure. */
export function decideNext(
  before: TransferState,
  event: TransferEvent,
  facts: TransferFacts,
): TransferDecision {
  // A proof of ranges holds for the next request; a restart as well.
  const ranges = before.ranges === 'refused' ? 'refused' : 'unknown';
  const state: TransferState = { ...before, ranges, mayResume: true };
  switch (event.kind) {
    case 'complete':
      return { state, action: { kind: 'done' } };
    case 'ended':
      return afterEnd(state, event, facts);
    case 'ranges-ignored':
      return { state: { ...state, ranges: 'refused' }, action: { kind: 'request' } };
    case 'unusable':
      // A plain request again would get the same answer again.
      if (event.isPlain) return afterFailure(state, event.error, facts);
      return {
        state: { ...state, ranges: 'refused', mayResume: false },
        action: { kind: 'retry', delayMs: 0, error: event.error },
      };
    case 'failed':
      return afterFailure(state, event.error, facts);
    case 'relocated':
      if (!event.hasUrl) return retryOrGiveUp(state, event.error, facts);
      return { state, action: { kind: 'retry', delayMs: 0, error: event.error } };
  }
}

function afterEnd(
  state: TransferState,
  event: TransferEvent & { readonly kind: 'ended' },
  facts: TransferFacts,
): TransferDecision {
  if (event.isCut) {
    return afterFailure(state, brokenOff(facts, 'ended the response before its end'), facts);
  }
  if (event.mode === 'probe') {
    return { state: { ...state, ranges: 'proven' }, action: { kind: 'request' } };
  }
  if (event.isAsRequested || event.receivedBytes >= PROGRESS_BYTES) {
    return { state, action: { kind: 'request' } };
  }
  const error = brokenOff(facts, 'closes the connection after a few bytes each time');
  return afterFailure(state, error, facts);
}

function brokenOff({ file }: TransferFacts, how: string): CcxriError {
  return new CcxriError('network', `${file}: the server ${how}`, { file });
}

function afterFailure(
  before: TransferState,
  error: CcxriError,
  facts: TransferFacts,
): TransferDecision {
  const state = countAttempt(before, facts.heldBytes);
  // An address that has served and refuses now may have expired: the source may have a new one.
  if (state.hasRelocated || facts.heldBytes === 0 || !isExpiry(error)) {
    return retryOrGiveUp(state, error, facts);
  }
  return { state: { ...state, hasRelocated: true }, action: { kind: 'relocate', error } };
}

function countAttempt(state: TransferState, heldBytes: number): TransferState {
  const attempts = state.attempts + 1;
  if (heldBytes < state.mostBytes + PROGRESS_BYTES) {
    return { ...state, attempts, withoutProgress: state.withoutProgress + 1 };
  }
  return { ...state, attempts, withoutProgress: 1, mostBytes: heldBytes, hasRelocated: false };
}

/** The refusals of signed addresses that have expired. */
function isExpiry(error: CcxriError): boolean {
  const { code, facts } = error;
  return (
    code === 'file-not-at-source' ||
    (code === 'http-status' && [400, 401, 403].includes(facts.status ?? 0))
  );
}

function retryOrGiveUp(
  state: TransferState,
  error: CcxriError,
  { policy, isUnresponsive, random }: TransferFacts,
): TransferDecision {
  const limits = isUnresponsive ? { ...policy, retries: 0 } : policy;
  const decision = decideRetry(error, state, limits, random);
  if (decision.kind === 'retry') return { state, action: { ...decision, error } };
  const isExhausted = decision.why === 'exhausted';
  const summary = withAttempts(error, state.attempts, isExhausted && isUnresponsive);
  return { state, action: { kind: 'give-up', isExhausted, error: summary } };
}

/** @param isKnown given up this early because the host did not answer for another file either */
function withAttempts(error: CcxriError, attempts: number, isKnown: boolean): CcxriError {
  const { retryAfterS } = error.facts;
  const wait =
    retryAfterS === undefined ? '' : `; it asks to wait ${formatDuration(retryAfterS * 1000)}`;
  const tried = isKnown
    ? 'tried once: it did not answer for another file either'
    : `${attempts} attempts`;
  const tries = attempts > 1 || isKnown ? ` (${tried})` : '';
  return withDetails(error, { message: `${error.message}${wait}${tries}`, attempts });
}

/** What one of several connections does next. */
export type ConnectionAction =
  /** It fetches another segment, or, if there is none, closes. */
  | { readonly kind: 'next' }
  /** It broke after some progress: the same, without delay. */
  | { readonly kind: 'retry'; readonly error: CcxriError }
  /** It leaves its segment to the others; none is opened before another one has succeeded. */
  | { readonly kind: 'close'; readonly error: CcxriError }
  /** No more segments can be requested: all connections close. */
  | { readonly kind: 'finish' };

/** These end one connection; any other error ends the transfer. */
const CONNECTION_ERRORS = ['network', 'stalled', 'http-status', 'file-not-at-source'] as const;

/**
 * The policy of one of several connections. A long line resets connections in the middle of a segment:
 * that says nothing against the next one. Pure.
 * @param receivedBytes of the segment, before it ended or failed
 */
export function decideConnection(
  end: ConnectionEnd,
  receivedBytes: number,
  file: string,
): ConnectionAction {
  const hasProgress = receivedBytes >= PROGRESS_BYTES;
  switch (end.kind) {
    case 'complete':
      return { kind: 'next' };
    case 'ended': {
      if (hasProgress || (end.isAsRequested && !end.isCut)) return { kind: 'next' };
      const message = `${file}: the server ended a segment after ${receivedBytes} bytes`;
      return { kind: 'close', error: new CcxriError('network', message, { file }) };
    }
    case 'failed': {
      const { error } = end;
      if (!isCcxriError(error, ...CONNECTION_ERRORS)) return { kind: 'finish' };
      return { kind: hasProgress ? 'retry' : 'close', error };
    }
    case 'ranges-ignored':
    case 'unusable':
      return { kind: 'finish' };
  }
}

/** Pure. @param missingBytes of the file, as far as its length is known */
export function requestModeOf(
  { ranges }: TransferState,
  connections: number,
  missingBytes: number,
): RequestMode {
  if (ranges === 'proven') return 'parallel';
  const isWorth = ranges === 'unknown' && connections > 1 && missingBytes > PARALLEL_BYTES;
  return isWorth ? 'probe' : 'single';
}
