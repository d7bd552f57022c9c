import { throwIfAborted } from '../abort.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import { BODY_TEXT_BYTES, rateLimitIn } from '../http/body-text.ts';
import { decodeBody } from '../http/encoding.ts';
import { type ManifestFile } from '../manifest/manifest.ts';
import { windowOf } from '../manifest/size.ts';
import type { DownloadContext, Transfer } from './context.ts';
import {
  type Body,
  FIRST_BYTES,
  type Mismatch,
  assertNotShort,
  checkLength,
  checkStart,
  codingsUnder,
  checkPart,
  notTheFile,
  saysHtml,
  tooLong,
} from './first-bytes.ts';
import { NO_ORIGIN } from './part-state.ts';
import type { Segment } from './segments.ts';

/** A body that is the whole file: as one segment without an end. */
export async function receiveWhole(
  transfer: Transfer,
  body: Body,
  segment: Segment,
): Promise<void> {
  segment.at = 0;
  segment.to = Infinity;
  await receiveFromStart(transfer, body, segment, true);
  assertNotShort(transfer.file, body, transfer.part.bytes);
}

/**
 * A body from the file's first byte. The bytes on disk are not given up before its own look right.
 * @param isWhole it is the whole file: it can be decoded, if its server has encoded it
 * @returns `decoded`: all of it has come; `encoded`: nothing was received, since it is not the whole
 * @throws CcxriError `not-the-file`; of the connection, of the disk; `aborted`
 */
export async function receiveFromStart(
  transfer: Transfer,
  body: Body,
  segment: Segment,
  isWhole: boolean,
): Promise<'received' | 'decoded' | 'encoded'> {
  const { file, context } = transfer;
  return withBeginning(body, async (beginning) => {
    const mayBeEncoded = !body.isLocal && beginning.failure === undefined;
    const codings = mayBeEncoded ? codingsUnder(file, body, beginning.first) : [];
    if (codings.length === 0) {
      await startOver(transfer, body, segment, beginning);
      return 'received';
    }
    if (!isWhole) return 'encoded';
    const encoded = counted(resume(beginning), context.onBytes);
    // Without an origin: no server can be asked for the rest of the plain bytes if this breaks.
    const plain: Body = {
      ...body,
      origin: NO_ORIGIN,
      bytes: decodeBody(encoded, codings, body.where),
    };
    const uncounted = { ...transfer, context: { ...context, onBytes: () => undefined } };
    segment.to = Infinity;
    await withBeginning(plain, (first) => startOver(uncounted, plain, segment, first));
    assertNotShort(file, plain, transfer.part.bytes);
    return 'decoded';
  });
}

async function startOver(
  transfer: Transfer,
  body: Body,
  segment: Segment,
  beginning: Beginning,
): Promise<void> {
  const bytes = await assertUsable(transfer, body, beginning, checkStart);
  await transfer.part.restart(body.origin);
  await receiveBody(transfer, { ...body, bytes }, segment);
}

/**
 * A body that fills a segment, and may begin before it.
 * @param skipBytes how far before
 * @throws CcxriError `not-the-file`; of the connection, of the disk; `aborted`
 */
export async function receiveSlice(
  transfer: Transfer,
  body: Body,
  segment: Segment,
  skipBytes: number,
): Promise<void> {
  const { file, part } = transfer;
  const wrong = checkLength(file, body);
  if (wrong !== undefined) throw notTheFile(file, body, wrong);
  if (body.origin.totalBytes !== null) part.learnTotal(body.origin.totalBytes);
  const isFromStart = skipBytes === segment.from;
  if (!isFromStart && !saysHtml(body)) {
    await receiveBody(transfer, body, segment, skipBytes);
    return;
  }
  // What begins with the file must look like it; and a part can be a server's page about an error.
  const check = isFromStart ? checkStart : checkPart;
  await withBeginning(body, async (beginning) => {
    const bytes = await assertUsable(transfer, body, beginning, check);
    await receiveBody(transfer, { ...body, bytes }, segment, skipBytes);
  });
}

/**
 * A part that can't be placed may be a server's page about an error, which may be over in a moment.
 * @throws CcxriError `not-the-file`: it is one
 */
export async function assertNoPage(transfer: Transfer, body: Body): Promise<void> {
  if (!saysHtml(body)) return;
  await withBeginning(body, async ({ first, iterator }) => {
    await assertUsable(transfer, body, { first, iterator }, checkPart);
  });
}

/** The first bytes of a body: as many as show what it is, or more. */
interface Beginning {
  readonly first: Buffer;
  readonly iterator: AsyncIterator<Buffer>;
  /** There may have been more, but the connection broke. */
  readonly failure?: CcxriError;
}

/** Drops the body's connection after the work. */
async function withBeginning<T>(body: Body, work: (of: Beginning) => Promise<T>): Promise<T> {
  const iterator = body.bytes[Symbol.asyncIterator]();
  try {
    return await work({ ...(await readFirst(iterator)), iterator });
  } finally {
    await iterator.return?.();
  }
}

type Check = typeof checkStart;

/** @returns the whole body @throws CcxriError `not-the-file`, showing what it says; what broke it */
async function assertUsable(
  transfer: Transfer,
  body: Body,
  beginning: Beginning,
  check: Check,
): Promise<AsyncIterable<Buffer>> {
  const { first, failure } = beginning;
  const wrong = check(transfer.file, body, first, failure !== undefined);
  if (wrong !== undefined) throw await explain(transfer, body, wrong, beginning);
  if (failure !== undefined) throw failure;
  return resume(beginning);
}

/** The error of a body that is not the file, showing what it says. */
async function explain(
  { file, context }: Transfer,
  body: Body,
  mismatch: Mismatch,
  { first, iterator }: Beginning,
): Promise<CcxriError> {
  const text = await readText(iterator, first);
  context.onBytes(text.length);
  const error = notTheFile(file, body, mismatch, { text });
  if (body.isLocal) return error;
  return toRateLimit(file, error, text, body.header('content-type')) ?? error;
}

/** The error of a body that asks to slow down without the status for it. undefined: it does not. */
function toRateLimit(
  file: ManifestFile,
  error: CcxriError,
  body: Buffer,
  contentType: string | undefined,
): CcxriError | undefined {
  const text = rateLimitIn(body, contentType);
  if (text === undefined) return undefined;
  const message = `${file.name}: the server asks to slow down`;
  return new CcxriError('http-status', message, { ...error.facts, status: 429, found: text });
}

/** As many bytes as show what a body is, or more; fewer: there are no more, or the connection broke. */
async function readFirst(iterator: AsyncIterator<Buffer>) {
  let first: Buffer = Buffer.alloc(0);
  try {
    while (first.length < FIRST_BYTES) {
      const next = await iterator.next();
      if (next.done === true) break;
      first = Buffer.concat([first, next.value]);
    }
    return { first };
  } catch (error) {
    if (!isCcxriError(error, 'network', 'stalled')) throw error;
    return { first, failure: error };
  }
}

/** What a body says that is not the file: as much as is shown, also where its connection breaks. */
export async function readText(
  iterator: AsyncIterator<Buffer>,
  first: Buffer = Buffer.alloc(0),
): Promise<Buffer> {
  let text = first;
  try {
    while (text.length < BODY_TEXT_BYTES) {
      const next = await iterator.next();
      if (next.done === true) break;
      text = Buffer.concat([text, next.value]);
    }
  } catch (error) {
    if (!isCcxriError(error, 'network', 'stalled')) throw error;
  }
  return text.subarray(0, BODY_TEXT_BYTES);
}

async function* resume({ first, iterator }: Beginning): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    yield next.value;
  }
}

/** What came over the line is counted, not what it decodes to. */
async function* counted(bytes: AsyncIterable<Buffer>, onBytes: (bytes: number) => void) {
  for await (const batch of bytes) {
    onBytes(batch.length);
    yield batch;
  }
}

/**
 * Writes a body's bytes to their segment of the file. What the body holds beyond is not read.
 * @param skipBytes at its beginning that are on disk already
 * @throws CcxriError `not-the-file`: it is too long; of the connection, of the disk; `aborted`
 */
async function receiveBody(
  transfer: Transfer,
  body: Body,
  segment: Segment,
  skipBytes = 0,
): Promise<void> {
  const { file, part, context, progress } = transfer;
  const { totalBytes } = part.origin;
  const mostBytes = totalBytes ?? windowOf(file).maxBytes;
  const endByte = segment.to;
  let toSkip = skipBytes;
  for await (const batch of body.bytes) {
    context.onBytes(batch.length);
    const hasMore = batch.length - toSkip > segment.to - segment.at;
    if (endByte > mostBytes && segment.at + batch.length - toSkip > mostBytes) {
      await part.restart();
      throw tooLong(file, body);
    }
    for await (const piece of limitRate(batch, context)) {
      throwIfAborted(context.signal);
      const { at, to } = segment;
      const skipped = Math.min(toSkip, piece.length);
      toSkip -= skipped;
      const wanted = piece.subarray(skipped, skipped + Math.max(0, to - at));
      segment.at += wanted.length;
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
async function* limitRate(batch: Buffer, { rateLimit, signal }: DownloadContext) {
  for (const piece of rateLimit?.split(batch) ?? [batch]) {
    await rateLimit?.take(piece.length, signal);
    yield piece;
  }
}
