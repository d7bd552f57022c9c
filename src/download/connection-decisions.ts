import { CcxriError, isCcxriError } from '../errors.ts';
import { type ConnectionEnd, PROGRESS_BYTES } from './transfer-decisions.ts';

/** What one of several connections does next. */
export type ConnectionAction =
  /** It fetches another segment, or, if there is none, closes. */
  | { readonly kind: 'next' }
  /** It broke after some progress: the same, without delay. */
  | { readonly kind: 'retry'; readonly error: CcxriError }
  /** It leaves its segment to the others; none is opened before another one has succeeded. */
  | { readonly kind: 'close'; readonly error: CcxriError }
  /** All connections close, with this error. */
  | { readonly kind: 'finish'; readonly error: CcxriError };

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
      if (!isCcxriError(error, ...CONNECTION_ERRORS)) return { kind: 'finish', error };
      return { kind: hasProgress ? 'retry' : 'close', error };
    }
    case 'ranges-ignored': {
      const message = `${file}: the server sent the whole file instead of a segment`;
      return { kind: 'close', error: new CcxriError('network', message, { file }) };
    }
    case 'unusable':
    case 'unsatisfied':
      // One of several nodes behind a name may serve segments that are of no use: others may not.
      return { kind: 'close', error: end.error };
  }
}
