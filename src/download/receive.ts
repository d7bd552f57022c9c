import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { throwIfAborted } from '../abort.ts';
import { CcxriError, errnoOf, isCcxriError } from '../errors.ts';
import { lengthOf } from '../http/deadline.ts';
import { windowOf } from '../manifest/published-size.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { toPrintable } from '../text.ts';
import type { DownloadContext, Transfer } from './context.ts';
import {
  type BodyHead,
  FIRST_BYTES,
  assertNoPage,
  assertPlausibleHead,
  assertPlausibleStart,
  tooLong,
} from './first-bytes.ts';
import type { PartOrigin } from './part-state.ts';
import { type Segment, newSegment } from './segments.ts';

/** A body with what is known of it before its first byte. */
export interface Body {
  readonly head: BodyHead;
  readonly origin: PartOrigin;
  readonly batches: AsyncIterable<readonly Buffer[]>;
}

/**
 * A body from the file's first byte. The bytes on disk are not given up before its own look right.
 * @throws CcxriError `not-the-file`; of the connection, of the disk; `aborted`
 */
export async function receiveFromStart(
  transfer: Transfer,
  body: Body,
  segment: Segment,
): Promise<void> {
  const { file, part } = transfer;
  const { head, origin } = body;
  const iterator = body.batches[Symbol.asyncIterator]();
  try {
    await assertPlausible(file, head, iterator);
    const first = await readFirst(iterator);
    const bytes = lengthOf(first);
    const isWhole = head.totalBytes === null || bytes >= head.totalBytes;
    // Too few to tell, because the connection broke: that does not make it a wrong file.
    if (bytes >= FIRST_BYTES || isWhole) assertPlausibleStart(file, head, startOf(first));
    await part.restart(origin);
    await receiveBody(transfer, { ...body, batches: resume(first, iterator) }, segment);
  } finally {
    await iterator.return?.();
  }
}

/**
 * A body of the wrong length may be a web page, and that says more about what went wrong.
 * @throws CcxriError `not-the-file`; `aborted`
 */
async function assertPlausible(
  file: ManifestFile,
  head: BodyHead,
  iterator: AsyncIterator<readonly Buffer[]>,
): Promise<void> {
  try {
    assertPlausibleHead(file, head);
  } catch (error) {
    // If the body can't be read, its length is all there is to report.
    const first = await readFirst(iterator).catch((unread: unknown) => {
      if (isCcxriError(unread) && unread.code !== 'aborted') return [];
      throw unread;
    });
    assertNoPage(file, head, startOf(first));
    throw error;
  }
}

/** As many bytes as show what a body is; fewer: there are no more. */
async function readFirst(iterator: AsyncIterator<readonly Buffer[]>): Promise<readonly Buffer[]> {
  const first: Buffer[] = [];
  while (lengthOf(first) < FIRST_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    // A copy: the next batch may use the same memory.
    first.push(Buffer.concat(next.value));
  }
  return first;
}

function startOf(first: readonly Buffer[]): Buffer {
  return Buffer.concat(cutTo(first, FIRST_BYTES));
}

async function* resume(
  first: readonly Buffer[],
  iterator: AsyncIterator<readonly Buffer[]>,
): AsyncGenerator<readonly Buffer[]> {
  if (first.length > 0) yield first;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    yield next.value;
  }
}

/**
 * Writes a body's bytes to their segment of the file. What the body holds beyond is not read.
 * @throws CcxriError `not-the-file`: it is too long; of the connection, of the disk; `aborted`
 */
export async function receiveBody(
  { file, part, context, progress }: Transfer,
  { head, batches }: Pick<Body, 'head' | 'batches'>,
  segment: Segment,
): Promise<void> {
  const { totalBytes } = part.origin;
  const mostBytes = totalBytes ?? windowOf(file).maxBytes;
  const endByte = segment.to;
  for await (const batch of batches) {
    const bytes = lengthOf(batch);
    context.onBytes(bytes);
    const hasMore = bytes > segment.to - segment.at;
    if (endByte > mostBytes && segment.at + bytes > mostBytes) {
      await part.restart();
      throw tooLong(file, head);
    }
    for await (const pieces of limitRate(batch, context)) {
      throwIfAborted(context.signal);
      const { at, to } = segment;
      const wanted = cutTo(pieces, to - at);
      segment.at += lengthOf(wanted);
      segment.lastByteMs = context.clock.nowMs();
      if (wanted.length > 0) await part.write(wanted, at);
      const doneBytes = part.heldBytes;
      progress.emit({ file: file.name, phase: 'download', doneBytes, totalBytes });
    }
    // Its own end is waited for where it is near: the connection can be reused then.
    if (hasMore || (segment.to < endByte && segment.at >= segment.to)) return;
  }
}

/** All at once, or in pieces as the rate limit admits them. */
async function* limitRate(
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

/** No more than the first bytes. */
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
 * A body of unannounced length may be too short although it ended in good order.
 * @throws CcxriError `network`
 */
export function assertNotShort({ file, part }: Transfer, where: string): void {
  const leastBytes = part.origin.totalBytes ?? windowOf(file).minBytes;
  if (part.bytes >= leastBytes) return;
  throw new CcxriError('network', `${file.name}: ${where} ended the file before its end`, {
    file: file.name,
    expected: `${leastBytes} bytes`,
    found: `${part.bytes} bytes`,
  });
}

/**
 * A file of a local directory: copied, never linked, so that it does not depend on its source.
 * @throws CcxriError `file-not-at-source`, `source-unusable`: it can't be read; as `receiveFromStart`
 */
export async function receivePath(transfer: Transfer, path: string): Promise<void> {
  const { file, context } = transfer;
  const where = toPrintable(path);
  const totalBytes = await sizeOf(path, file.name);
  const body = {
    head: { where, isLocal: true, totalBytes, contentType: undefined },
    origin: { url: pathToFileURL(path).href, validator: null, totalBytes },
    batches: read(path, file.name),
  };
  await receiveFromStart(transfer, body, newSegment(0, Infinity, context.clock.nowMs()));
  assertNotShort(transfer, where);
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

/** A failure to read is the source's error, not one of the dataset's disk. */
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
    next: [
      {
        kind: 'advice',
        text: 'make it readable for you',
        or: { kind: 'option', option: 'source' },
      },
    ],
    cause: error,
  });
}
