import { LANES, SPAN_BYTES } from './kernel-layout.ts';

/** How far a stream is: what decides whether it is hashed now. */
export interface Standing {
  readonly hashedBytes: number;
  readonly writtenBytes: number;
  readonly isLast: boolean;
  readonly tellAtBytes: number;
}

/**
 * So much may wait in the page cache for other streams to come along. Over several connections a file
 * grows by 8 MiB at once, where the range before the others has come to its end: it takes some of
 * these to even out.
 */
const PATIENCE_BYTES = 32 * SPAN_BYTES;

/**
 * The streams to hash next, a span each; none: it is better to wait. Eight lanes cost hardly more
 * than one, so a file that still grows waits until all that grow have a span to go with it, or until
 * it is far behind its writer; one that is whole never waits.
 */
export function chooseStreams<S extends Standing>(streams: readonly S[]): readonly S[] {
  const ready = streams.filter(hasSpan);
  const urgent = ready.filter(isUrgent);
  if (urgent.length === 0 && ready.length < Math.min(LANES, streams.length)) return [];
  const others = ready.filter((stream) => !urgent.includes(stream));
  return [...urgent, ...others].slice(0, LANES);
}

function hasSpan({ hashedBytes, writtenBytes, isLast }: Standing): boolean {
  return isLast || writtenBytes - hashedBytes >= SPAN_BYTES;
}

function isUrgent({ hashedBytes, writtenBytes, isLast, tellAtBytes }: Standing): boolean {
  return isLast || writtenBytes - hashedBytes >= PATIENCE_BYTES || tellAtBytes !== Infinity;
}
