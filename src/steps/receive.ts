import { throwIfAborted } from '../abort.ts';
import type { PartFile } from '../disk/part-file.ts';
import type { PartOrigin } from '../disk/part-schema.ts';
import { CcxriError } from '../errors.ts';
import { windowOf } from '../manifest/published-size.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { ProgressTeller, type DownloadContext } from './download-context.ts';
import {
  assertPlausibleClaim,
  assertPlausibleStart,
  FIRST_BYTES,
  tooLong,
  type AnswerClaim,
} from './first-bytes.ts';

/** One file on its way into one part. */
export interface Reception {
  readonly file: ManifestFile;
  readonly part: PartFile;
  readonly context: DownloadContext;
}

export interface WholeBody {
  readonly claim: AnswerClaim;
  readonly origin: PartOrigin;
  readonly chunks: AsyncIterable<Buffer>;
  /** Only so much of the file was asked for. Absent: all of it. */
  readonly endByte?: number;
}

/** Bytes of a file that a body is to fill. */
export interface Stretch {
  /** Where the next byte goes. */
  at: number;
  /** Behind the last byte wanted. May come nearer meanwhile. */
  readonly to: number;
}

/**
 * A body from the file's first byte. Nothing that was here is given up before the first bytes look
 * right.
 * @throws CcxriError `not-the-file`; `network`: it ended too early; of the disk; `aborted`
 */
export async function receiveWhole(reception: Reception, body: WholeBody): Promise<void> {
  const { file, part } = reception;
  assertPlausibleClaim(file, body.claim);
  const iterator = body.chunks[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  let bytes = 0;
  let ended = false;
  while (bytes < FIRST_BYTES && !ended) {
    const next = await iterator.next();
    ended = next.done === true;
    if (next.done === true) break;
    first.push(next.value);
    bytes += next.value.length;
  }
  const { where, totalBytes } = body.claim;
  const whole = totalBytes === null || bytes >= totalBytes;
  // Too little to tell by, because the connection broke: that is no wrong file.
  if (bytes >= FIRST_BYTES || whole) assertPlausibleStart(file, body.claim, Buffer.concat(first));
  await part.restart(body.origin);
  const { endByte = Infinity } = body;
  const chunks = chain(first, ended ? [] : rest(iterator));
  await receiveChunks(reception, chunks, { where, stretch: { at: 0, to: endByte } });
}

async function* rest(iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}

async function* chain(
  first: Iterable<Buffer>,
  then: Iterable<Buffer> | AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  yield* first;
  yield* then;
}

export interface Filling {
  /** Printable: URL or path. */
  readonly where: string;
  readonly stretch: Stretch;
  /** Default: one of its own. */
  readonly progress?: ProgressTeller;
}

/**
 * Bytes for one stretch of the file. What the body holds beyond is left.
 * @throws CcxriError `not-the-file`: there is no end to it; of the wire, of the disk; `aborted`
 */
export async function receiveChunks(
  { file, part, context }: Reception,
  chunks: AsyncIterable<Buffer>,
  { where, stretch, progress = new ProgressTeller(context.clock, context.onEvent) }: Filling,
): Promise<void> {
  const { rateLimit, signal, onBytes } = context;
  const { totalBytes } = part.origin;
  const mostBytes = totalBytes ?? windowOf(file).maxBytes;
  const endByte = stretch.to;
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    const hasMore = chunk.length > stretch.to - stretch.at;
    if (endByte > mostBytes && stretch.at + chunk.length > mostBytes) {
      await part.restart();
      throw tooLong(file, where);
    }
    for (const piece of rateLimit?.split(chunk) ?? [chunk]) {
      throwIfAborted(signal);
      await rateLimit?.take(piece.length, signal);
      const { at, to } = stretch;
      const wanted = piece.subarray(0, Math.max(0, to - at));
      stretch.at += wanted.length;
      if (wanted.length > 0) await part.write([wanted], at);
      const doneBytes = part.heldBytes;
      progress.tell({ file: file.name, phase: 'download', doneBytes, totalBytes });
    }
    // Its own end is waited for where it is near: the connection can be used again then.
    if (hasMore || (stretch.to < endByte && stretch.at >= stretch.to)) return;
  }
}

/**
 * A body that ended in good order may still be too short, where no length was announced.
 * @throws CcxriError `network`
 */
export function assertNotShort({ file, part }: Reception, where: string): void {
  const leastBytes = part.origin.totalBytes ?? windowOf(file).minBytes;
  if (part.bytes >= leastBytes) return;
  throw new CcxriError('network', `${file.name}: ${where} ended the file before its end`, {
    file: file.name,
    expected: `${leastBytes} bytes`,
    found: `${part.bytes} bytes`,
  });
}
