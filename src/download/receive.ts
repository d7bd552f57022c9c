import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { throwIfAborted } from '../abort.ts';
import { CcxriError, errnoOf, isCcxriError } from '../errors.ts';
import { ProgressThrottle } from '../events.ts';
import { lengthOf } from '../http/deadline.ts';
import { windowOf } from '../manifest/published-size.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { toPrintable } from '../text.ts';
import type { DownloadContext } from './context.ts';
import {
  type AnswerClaim,
  FIRST_BYTES,
  assertNoPage,
  assertPlausibleClaim,
  assertPlausibleStart,
  tooLong,
} from './first-bytes.ts';
import type { PartFile } from './part-file.ts';
import type { PartOrigin } from './part-state.ts';

/** One file on its way into one part. */
export interface Reception {
  readonly file: ManifestFile;
  readonly part: PartFile;
  readonly context: DownloadContext;
}

export interface WholeBody {
  readonly claim: AnswerClaim;
  readonly origin: PartOrigin;
  readonly batches: AsyncIterable<readonly Buffer[]>;
  /** Only so much of the file was asked for. Absent: all of it. */
  readonly endByte?: number | undefined;
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
  const iterator = body.batches[Symbol.asyncIterator]();
  try {
    assertPlausibleClaim(file, body.claim);
  } catch (error) {
    await tellPage(file, body.claim, iterator);
    throw error;
  }
  const { first, bytes, ended } = await readFirst(iterator);
  const { where, totalBytes } = body.claim;
  const whole = totalBytes === null || bytes >= totalBytes;
  // Too little to tell by, because the connection broke: that is no wrong file.
  if (bytes >= FIRST_BYTES || whole) assertPlausibleStart(file, body.claim, startOf(first));
  await part.restart(body.origin);
  const { endByte = Infinity } = body;
  const batches = chain(first, ended ? [] : rest(iterator));
  await receiveBatches(reception, batches, { where, stretch: { at: 0, to: endByte } });
}

interface First {
  readonly first: readonly (readonly Buffer[])[];
  readonly bytes: number;
  readonly ended: boolean;
}

async function readFirst(iterator: AsyncIterator<readonly Buffer[]>): Promise<First> {
  const first: (readonly Buffer[])[] = [];
  let bytes = 0;
  while (bytes < FIRST_BYTES) {
    const next = await iterator.next();
    if (next.done === true) return { first, bytes, ended: true };
    // The next batch takes the place of this one.
    first.push([Buffer.concat(next.value)]);
    bytes += lengthOf(next.value);
  }
  return { first, bytes, ended: false };
}

/**
 * Of what has the wrong length: that it is a web page says more.
 * @throws CcxriError `not-the-file` where its first bytes are those of a page; `aborted`
 */
async function tellPage(
  file: ManifestFile,
  claim: AnswerClaim,
  iterator: AsyncIterator<readonly Buffer[]>,
): Promise<void> {
  try {
    const { first } = await readFirst(iterator);
    assertNoPage(file, claim, startOf(first));
  } catch (error) {
    // Where nothing can be read of it, its length is what there is to tell.
    if (!isCcxriError(error) || isCcxriError(error, 'not-the-file', 'aborted')) throw error;
  } finally {
    await iterator.return?.();
  }
}

function startOf(batches: readonly (readonly Buffer[])[]): Buffer {
  return Buffer.concat(cutTo(batches.flat(), FIRST_BYTES));
}

async function* rest<T>(iterator: AsyncIterator<T>): AsyncGenerator<T> {
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

async function* chain<T>(
  first: Iterable<T>,
  then: Iterable<T> | AsyncIterable<T>,
): AsyncGenerator<T> {
  yield* first;
  yield* then;
}

export interface Filling {
  /** Printable: URL or path. */
  readonly where: string;
  readonly stretch: Stretch;
  /** Default: one of its own. */
  readonly progress?: ProgressThrottle | undefined;
}

/**
 * Bytes for one stretch of the file. What the body holds beyond is left.
 * @throws CcxriError `not-the-file`: there is no end to it; of the wire, of the disk; `aborted`
 */
export async function receiveBatches(
  { file, part, context }: Reception,
  batches: AsyncIterable<readonly Buffer[]>,
  { where, stretch, progress = new ProgressThrottle(context.clock, context.onEvent) }: Filling,
): Promise<void> {
  const { signal, onBytes } = context;
  const { totalBytes } = part.origin;
  const mostBytes = totalBytes ?? windowOf(file).maxBytes;
  const endByte = stretch.to;
  for await (const batch of batches) {
    const bytes = lengthOf(batch);
    onBytes(bytes);
    const hasMore = bytes > stretch.to - stretch.at;
    if (endByte > mostBytes && stretch.at + bytes > mostBytes) {
      const isLocal = part.origin.url.startsWith('file:');
      await part.restart();
      throw tooLong(file, { where, isLocal });
    }
    for await (const pieces of paced(batch, context)) {
      throwIfAborted(signal);
      const { at, to } = stretch;
      const wanted = cutTo(pieces, to - at);
      stretch.at += lengthOf(wanted);
      if (wanted.length > 0) await part.write(wanted, at);
      const doneBytes = part.heldBytes;
      progress.emit({ file: file.name, phase: 'download', doneBytes, totalBytes });
    }
    // Its own end is waited for where it is near: the connection can be used again then.
    if (hasMore || (stretch.to < endByte && stretch.at >= stretch.to)) return;
  }
}

/** All at once, or in pieces as the limit of the rate lets them pass. */
async function* paced(
  batch: readonly Buffer[],
  { rateLimit, signal }: DownloadContext,
): AsyncGenerator<readonly Buffer[]> {
  if (rateLimit === undefined) {
    yield batch;
    return;
  }
  for (const chunk of batch) {
    for (const piece of rateLimit.split(chunk)) {
      await rateLimit.take(piece.length, signal);
      yield [piece];
    }
  }
}

/** Their first bytes, no more than so many. */
function cutTo(chunks: readonly Buffer[], bytes: number): readonly Buffer[] {
  if (lengthOf(chunks) <= bytes) return chunks;
  const kept: Buffer[] = [];
  let left = bytes;
  for (const chunk of chunks) {
    if (left <= 0) break;
    kept.push(chunk.subarray(0, left));
    left -= chunk.length;
  }
  return kept;
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

/**
 * A file of a local directory: copied, never linked, so that it lies here by itself.
 * @throws CcxriError `file-not-at-source`, `source-unusable`: it can't be read; as `receiveWhole`
 */
export async function receivePath(reception: Reception, path: string): Promise<void> {
  const { file } = reception;
  const where = toPrintable(path);
  const totalBytes = await sizeOf(path, file.name);
  await receiveWhole(reception, {
    claim: { where, isLocal: true, totalBytes, contentType: undefined },
    origin: { url: pathToFileURL(path).href, validator: null, totalBytes },
    batches: read(path, file.name),
  });
  assertNotShort(reception, where);
}

async function sizeOf(path: string, file: string): Promise<number> {
  try {
    const stats = await stat(path);
    if (stats.isFile()) return stats.size;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw unreadable(error, path, file);
  }
  throw new CcxriError('file-not-at-source', `${file}: there is no file ${toPrintable(path)}`, {
    file,
    path,
  });
}

/** A failure to read is the source's, not that of the dataset's disk. */
async function* read(path: string, file: string): AsyncGenerator<readonly Buffer[]> {
  const stream: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: 1024 * 1024 });
  const iterator = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        throw unreadable(error, path, file);
      });
      if (next.done === true) return;
      yield [next.value];
    }
  } finally {
    await iterator.return?.();
  }
}

function unreadable(error: unknown, path: string, file: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  return new CcxriError('source-unusable', `${file}: can't read ${toPrintable(path)} (${errno})`, {
    file,
    path,
    hint: 'make it readable for you, or give another --source',
    cause: error,
  });
}
