import type { Clock } from '../clock.ts';
import { type CcxriError, isCcxriError } from '../errors.ts';
import type { HttpClient } from '../http/client.ts';
import type { HttpAnswer } from '../http/deadline.ts';
import { type RangeAnswer, checkRange } from '../http/range.ts';
import { toStatusError } from '../http/status.ts';
import { type Wall, wallOf } from '../http/walls.ts';

/** What requests need. */
export interface Asking {
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Is given what a response shows that keeps programs out. */
  readonly onWall: (wall: Wall) => void;
}

/** The first bytes of a response, and what its head says. */
export interface Sample {
  readonly status: number;
  /** After redirects. */
  readonly url: string;
  readonly header: (name: string) => string | undefined;
  /** What of the bytes asked for has come. */
  readonly bytes: Buffer;
  /** What the response is to the range that was asked for. */
  readonly range: RangeAnswer | undefined;
  /** From the head to the last byte read. */
  readonly bodyMs: number;
}

export interface Slice {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly ifRange?: string | undefined;
  /** false: the whole file is requested, and dropped after these bytes. */
  readonly isRanged?: boolean;
}

/**
 * A few bytes of a file. What comes beyond them is not read.
 * @throws CcxriError `network`, `stalled`, `http-status`, `aborted`
 */
export async function requestSlice(
  { client, clock, signal, onWall }: Asking,
  url: string,
  { from, to, ifRange, isRanged = true }: Slice,
): Promise<Sample> {
  const headers = {
    ...(isRanged ? { range: `bytes=${from}-${to - 1}` } : {}),
    ...(ifRange === undefined ? {} : { 'if-range': ifRange }),
  };
  const answer = await client.get(url, { headers, signal });
  const startMs = clock.nowMs();
  try {
    const { status, header } = answer;
    const isError = status >= 400;
    const bytes = await readStart(answer, isError ? WALL_BYTES : to - from);
    const wall = wallOf({ status, header, start: bytes });
    if (wall !== undefined) onWall(wall);
    if (isError) throw toStatusError(answer, clock);
    return {
      status,
      url: answer.url,
      header,
      bytes,
      range: isRanged ? rangeOf({ status, header }, from, to) : undefined,
      bodyMs: clock.nowMs() - startMs,
    };
  } finally {
    answer.discard();
  }
}

/** As much of an error's body shows who sends it. */
const WALL_BYTES = 4096;

async function readStart(answer: HttpAnswer, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let read = 0;
  for await (const batch of answer.body()) {
    chunks.push(Buffer.from(batch.subarray(0, most - read)));
    read += batch.length;
    // One that has ended is read to its end: its connection can be used again.
    if (read > most) break;
  }
  return Buffer.concat(chunks);
}

function rangeOf({ status, header }: Pick<Sample, 'status' | 'header'>, from: number, to: number) {
  return checkRange(
    { fromByte: from, toByte: to, isRanged: true, totalBytes: null },
    {
      status,
      contentLength: header('content-length'),
      contentRange: header('content-range'),
      contentType: header('content-type'),
    },
  );
}

/** Whether a response is the slice that was requested, and not the whole file. */
export function isSlice({ range, status, header }: Sample): boolean {
  return range?.kind === 'bytes' && (status === 206 || header('content-range') !== undefined);
}

/** The first bytes of a file, by a range where the server serves one, else of the whole. */
export interface Start extends Sample {
  /** Why the request with a range failed, where one without it did not. */
  readonly refused?: CcxriError;
}

/** @throws CcxriError as `requestSlice`: also a request without a range fails */
export async function requestStart(asking: Asking, url: string, bytes: number): Promise<Start> {
  try {
    return await requestSlice(asking, url, { from: 0, to: bytes });
  } catch (error) {
    if (!isCcxriError(error, 'http-status', 'network') || isSaidForGood(error)) throw error;
    // Of two refusals, the one of the plain request says what is wrong.
    const start = await requestSlice(asking, url, { from: 0, to: bytes, isRanged: false });
    return { ...start, refused: error };
  }
}

/** What a request without a range would meet as well. */
function isSaidForGood({ code, facts }: CcxriError): boolean {
  if (code === 'network') return facts.permanent === true || facts.status !== undefined;
  return [401, 404, 407, 410, 429].includes(facts.status ?? 0);
}
