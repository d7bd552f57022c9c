import { CcxriError, withDetails } from '../errors.ts';
import { isBrokenSocket } from '../http/errors.ts';
import { decideRetry, describeWait } from '../http/retry.ts';
import type { RetryPolicy } from '../http/retry-policy.ts';

/** Fewer new bytes than this are no progress: a server must not hold us with a few bytes a request. */
export const PROGRESS_BYTES = 64 * 1024;
/** With less than this missing, one connection is as good as several. */
export const PARALLEL_BYTES = 16 * 1024 * 1024;

/**
 * How the next request is made: a small first segment that shows whether the server serves ranges; one
 * connection to the end of the file; or several connections, each with a segment of its own.
 */
export type RequestMode = 'probe' | 'single' | 'parallel';

/**
 * What a request may ask for, from the most useful to what every server serves: a segment of the file;
 * the rest of it from a byte on; the whole file, without a Range.
 */
export type Asking = 'segment' | 'rest' | 'whole';

/** What a transfer from one location has learned of its server. Replaced, never changed. */
export interface TransferState {
  /** The most that the next request may ask for. */
  readonly asking: Asking;
  /** The request before this one has proven that segments are served. */
  readonly isProven: boolean;
  /** Requests for a range in a row that failed as they do where ranges are refused. */
  readonly refusals: number;
  /** Times that the server had nothing where something must be (416). */
  readonly unsatisfied: number;
  /** Failed attempts. */
  readonly attempts: number;
  /** Of those, the last ones that brought no new bytes. */
  readonly withoutProgress: number;
  /** The most bytes that were ever on disk: to reach that again is no progress. */
  readonly mostBytes: number;
  /** The location was looked up again, and nothing has arrived since. */
  readonly hasRelocated: boolean;
}

/** @param asking what the host has served to other files of the run */
export function startState(heldBytes: number, asking: Asking = 'segment'): TransferState {
  return {
    // A range costs one request where it is refused, and saves what is here where it is not.
    asking: heldBytes > 0 && asking === 'whole' ? 'rest' : asking,
    isProven: false,
    refusals: 0,
    unsatisfied: 0,
    attempts: 0,
    withoutProgress: 0,
    mostBytes: heldBytes,
    hasRelocated: false,
  };
}

/** How a request that did not fail has ended. `asked`: what it asked for. */
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
  /** The whole file came instead of a later part. Nothing of it was read: others may serve ranges. */
  | { readonly kind: 'ranges-ignored'; readonly asked: Asking }
  /** The body can't be placed, or is of another file. */
  | { readonly kind: 'unusable'; readonly asked: Asking; readonly error: CcxriError }
  /** The server has nothing where something is missing. */
  | { readonly kind: 'unsatisfied'; readonly asked: Asking; readonly error: CcxriError };

export type ConnectionEnd =
  | SegmentEnd
  | {
      readonly kind: 'failed';
      readonly asked: Asking;
      /** In its body: what was asked for had been granted. Default false. */
      readonly isInBody?: boolean;
      readonly error: CcxriError;
    };

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
  /** Another file has met the same failure at this host until it gave up: one attempt is enough. */
  readonly isKnown: boolean;
  readonly now: Date;
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
  // A proof of ranges holds for the next request.
  const state: TransferState = { ...before, isProven: false };
  switch (event.kind) {
    case 'complete':
      return { state, action: { kind: 'done' } };
    case 'ended':
      return afterEnd({ ...state, refusals: 0 }, event, facts);
    case 'ranges-ignored': {
      const refusals = state.refusals + 1;
      const isFirst = event.asked === 'rest' && refusals < 2;
      const asking = isFirst ? state.asking : humbler(event.asked, facts.heldBytes);
      return { state: { ...state, asking, refusals }, action: { kind: 'request' } };
    }
    case 'unusable': {
      const asking = humbler(event.asked, facts.heldBytes);
      // The whole file again would get the same answer again.
      if (asking === event.asked) return afterFailure(state, event.error, facts);
      return { state: { ...state, asking }, action: atOnce(event.error) };
    }
    case 'unsatisfied':
      return afterUnsatisfied(state, event, facts);
    case 'failed':
      return afterRefusal(state, event, facts);
    case 'relocated':
      if (!event.hasUrl) return retryOrGiveUp(state, event.error, facts);
      return { state, action: atOnce(event.error) };
  }
}

/** What is asked for next where `asked` is of no use. Without any byte, the rest is the whole file. */
function humbler(asked: Asking, heldBytes: number): Asking {
  return asked === 'segment' && heldBytes > 0 ? 'rest' : 'whole';
}

function atOnce(error: CcxriError): TransferAction {
  return { kind: 'retry', delayMs: 0, error };
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
    return { state: { ...state, isProven: true }, action: { kind: 'request' } };
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

/** A 416 for a byte that must be there is often said by a server that is busy or behind a cache. */
const MAX_UNSATISFIED = 4;

function afterUnsatisfied(
  before: TransferState,
  { error }: TransferEvent & { readonly kind: 'unsatisfied' },
  facts: TransferFacts,
): TransferDecision {
  const state = { ...before, unsatisfied: before.unsatisfied + 1 };
  if (facts.heldBytes > 0 && state.unsatisfied < MAX_UNSATISFIED) {
    return afterFailure(state, error, facts);
  }
  return { state: { ...state, asking: 'whole' }, action: atOnce(error) };
}

/** A request failed. If it asked for a range, that may be why: a whole request can still work. */
function afterRefusal(
  before: TransferState,
  { asked, isInBody = false, error }: TransferEvent & { readonly kind: 'failed' },
  facts: TransferFacts,
): TransferDecision {
  const hasProgress = facts.heldBytes >= before.mostBytes + PROGRESS_BYTES;
  const mayRefuse = asked !== 'whole' && !isInBody && !hasProgress;
  const limit = mayRefuse ? refusalLimitOf(error, facts.heldBytes) : undefined;
  if (limit === undefined) {
    // A whole body broke: what came of it may be worth a range.
    const isBehind = before.asking === 'whole' && hasProgress;
    const asking = isBehind ? 'rest' : before.asking;
    return afterFailure({ ...before, asking, refusals: 0 }, error, facts);
  }
  const state = { ...before, refusals: before.refusals + 1 };
  if (state.refusals < limit) return afterFailure(state, error, facts);
  const next: TransferState = { ...state, refusals: 0, asking: humbler(asked, facts.heldBytes) };
  const decision = afterFailure(next, error, facts);
  // At once: the server is there. And even at the end of all attempts: this has not been tried.
  const isBusy = error.facts.retryAfterS !== undefined || error.facts.status === 503;
  const isOver = decision.action.kind === 'give-up';
  if (decision.action.kind === 'relocate' || (isBusy && !isOver)) return decision;
  return { state: decision.state, action: atOnce(error) };
}

/** These say nothing of ranges: credentials, the address, too many requests, a time that was too short. */
const NOT_OF_RANGES: readonly number[] = [401, 407, 408, 410, 425, 429];

/**
 * How many times in a row a request for a range fails so before a humbler one is tried: servers refuse
 * ranges by every status, by a page, and by a reset. undefined: it does not fail so.
 */
function refusalLimitOf({ code, facts, cause }: CcxriError, heldBytes: number): number | undefined {
  const { status, permanent } = facts;
  const isAnswer = code === 'not-the-file' || status !== undefined;
  if (permanent === true || (status !== undefined && NOT_OF_RANGES.includes(status)))
    return undefined;
  const isFailure = status !== undefined && status >= 500 && status !== 501;
  // With bytes at stake, a server that is only busy gets its time.
  if (isFailure || (code === 'network' && isBrokenSocket(cause))) return heldBytes > 0 ? 4 : 2;
  if (!isAnswer) return undefined;
  return heldBytes > 0 ? 2 : 1;
}

function afterFailure(
  before: TransferState,
  error: CcxriError,
  facts: TransferFacts,
): TransferDecision {
  const state = countAttempt(before, facts.heldBytes);
  // An address that has served and refuses now may have expired: the source may have a new one.
  const mayRelocate = !state.hasRelocated && facts.heldBytes > 0;
  const decision = retryOrGiveUp(state, error, facts);
  if (!mayRelocate || !(isExpiry(error) || isServersEnd(decision, error))) return decision;
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

/** The server has answered with an error until there are no more attempts. */
function isServersEnd({ action }: TransferDecision, { code, facts }: CcxriError): boolean {
  const isAnswer = code === 'http-status' && facts.retryAfterS === undefined;
  return action.kind === 'give-up' && action.isExhausted && isAnswer;
}

function retryOrGiveUp(
  state: TransferState,
  error: CcxriError,
  { policy, isKnown, now, random }: TransferFacts,
): TransferDecision {
  const limits = isKnown ? { ...policy, retries: 0 } : policy;
  const decision = decideRetry(error, state, limits, random);
  if (decision.kind === 'retry') return { state, action: { ...decision, error } };
  const isExhausted = decision.why === 'exhausted';
  const wait = describeWait(error.facts.retryAfterS, now);
  const summary = withAttempts(error, state.attempts, { wait, isKnown: isExhausted && isKnown });
  return { state, action: { kind: 'give-up', isExhausted, error: summary } };
}

/** @param isKnown given up this early because another file met the same at this host */
function withAttempts(
  error: CcxriError,
  attempts: number,
  { wait, isKnown }: { readonly wait: string; readonly isKnown: boolean },
): CcxriError {
  const tried = isKnown ? 'tried once: another file met the same' : `${attempts} attempts`;
  const tries = attempts > 1 || isKnown ? ` (${tried})` : '';
  return withDetails(error, { message: `${error.message}${wait}${tries}`, attempts });
}

/** Pure. @param missingBytes of the file, as far as its length is known */
export function requestModeOf(
  { asking, isProven }: TransferState,
  connections: number,
  missingBytes: number,
): RequestMode {
  if (asking !== 'segment') return 'single';
  if (isProven && connections > 1) return 'parallel';
  return connections > 1 && missingBytes > PARALLEL_BYTES ? 'probe' : 'single';
}
