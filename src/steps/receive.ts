import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { throwIfAborted } from '../abort.ts';
import type { PartFile, PartOrigin } from '../disk/part-file.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { windowOf } from '../manifest/published-size.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import type { HttpAnswer } from '../net/http-client.ts';
import { judgeRange, toStrongEtag } from '../net/range.ts';
import { parseRetryAfter } from '../net/retry.ts';
import { toPrintable, toPrintableUrl } from '../text.ts';
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

/**
 * One request, and as much of its body as comes. Goes on where the part ends if the server proves
 * that it has the same file still; otherwise from the first byte.
 * @returns when the file is complete, or the server has ended a part of it in good order
 */
export async function receiveUrl(reception: Reception, url: string): Promise<void> {
  const { file, part, context } = reception;
  const { signal } = context;
  await context.pace.ready(url, signal);
  const fromByte = canResume(part.origin, url) ? part.bytes : 0;
  const headers: Readonly<Record<string, string>> =
    fromByte > 0 ? { range: `bytes=${fromByte}-`, 'if-range': part.origin.etag ?? '' } : {};
  const answer = await context.client.get(url, { headers, signal });
  try {
    assertUsable(answer, context);
    const head = headOf(answer);
    const judged = judgeRange({ fromByte, totalBytes: part.origin.totalBytes }, head);
    switch (judged?.kind) {
      case 'whole': {
        const { totalBytes } = judged;
        const where = toPrintableUrl(answer.url);
        const claim: AnswerClaim = { where, totalBytes, contentType: head.contentType };
        const origin: PartOrigin = { url, etag: toStrongEtag(answer.header('etag')), totalBytes };
        await receiveWhole(reception, { claim, origin, chunks: answer.chunks() });
        return;
      }
      case 'part':
        await receiveChunks(reception, answer.chunks(), toPrintableUrl(answer.url));
        return;
      case 'beyond-end':
      case 'unusable':
        // What is here can't be gone on with; the next request asks for the whole file.
        await part.restart();
        throw new CcxriError(
          'network',
          `${file.name}: can't go on at ${toPrintableUrl(answer.url)}: ${
            judged.kind === 'unusable' ? judged.why : 'the file is shorter than what is here'
          }`,
          { file: file.name, url: toPrintableUrl(answer.url) },
        );
      case undefined:
        throw statusError(answer, context);
    }
  } finally {
    answer.discard();
  }
}

function headOf(answer: HttpAnswer) {
  return {
    status: answer.status,
    contentLength: answer.header('content-length'),
    contentRange: answer.header('content-range'),
    contentType: answer.header('content-type'),
  };
}

/** Only with a strong validator, and from the address that gave it. */
function canResume(origin: PartOrigin, url: string): boolean {
  if (origin.etag === null || !URL.canParse(origin.url)) return false;
  const [had, now] = [new URL(origin.url), new URL(url)];
  return had.host === now.host && had.pathname === now.pathname;
}

function assertUsable(answer: HttpAnswer, context: DownloadContext): void {
  if (answer.status >= 400 && answer.status !== 416) throw statusError(answer, context);
  const encoding = answer.header('content-encoding') ?? 'identity';
  if (encoding !== 'identity') {
    const where = toPrintableUrl(answer.url);
    throw new CcxriError(
      'network',
      `${where} sends the file encoded (${toPrintable(encoding, 40)}), though it was asked not to`,
      { url: where, permanent: true, hint: 'give another --source' },
    );
  }
}

function statusError(answer: HttpAnswer, { clock, pace }: DownloadContext): CcxriError {
  const where = toPrintableUrl(answer.url);
  const retryAfterS = parseRetryAfter(answer.header('retry-after'), clock.date());
  if (retryAfterS !== undefined) pace.hold(answer.url, retryAfterS * 1000);
  const { status } = answer;
  const gone = status === 404 || status === 410;
  return new CcxriError(
    gone ? 'file-not-at-source' : 'http-status',
    `${where} answers with status ${status}${MEANINGS[status] ?? ''}`,
    {
      url: where,
      status,
      ...(retryAfterS === undefined ? {} : { retryAfterS }),
      ...(HINTS[status] === undefined ? {} : { hint: HINTS[status] }),
    },
  );
}

const MEANINGS: Readonly<Record<number, string>> = {
  401: ' (it wants a user and password)',
  403: ' (forbidden)',
  404: ' (not found)',
  407: ' (the proxy wants a user and password)',
  410: ' (gone)',
  429: ' (too many requests)',
  503: ' (busy)',
};

const HINTS: Readonly<Record<number, string>> = {
  401: "give the credentials it wants: --header 'Authorization: …'",
  403: "if it wants credentials: --header 'Authorization: …'; or give another --source",
  407: 'put user and password into HTTPS_PROXY: http://user:password@proxy:3128',
};

interface WholeBody {
  readonly claim: AnswerClaim;
  readonly origin: PartOrigin;
  readonly chunks: AsyncIterable<Buffer>;
}

/** From the first byte. Nothing that was here is given up before the first bytes look right. */
async function receiveWhole(reception: Reception, body: WholeBody): Promise<void> {
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
  const start = Buffer.concat(first);
  const whole = body.claim.totalBytes === null || bytes >= body.claim.totalBytes;
  // Too little to tell by, because the connection broke: that is no wrong file.
  if (bytes >= FIRST_BYTES || whole) assertPlausibleStart(file, body.claim, start);
  await part.restart(body.origin);
  await receiveChunks(reception, chain(first, ended ? [] : rest(iterator)), body.claim.where);
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

async function receiveChunks(
  { file, part, context }: Reception,
  chunks: AsyncIterable<Buffer>,
  where: string,
): Promise<void> {
  const progress = new ProgressTeller(context.clock, context.onEvent);
  const { totalBytes } = part.origin;
  const mostBytes = totalBytes ?? windowOf(file).maxBytes;
  for await (const chunk of chunks) {
    throwIfAborted(context.signal);
    if (part.bytes + chunk.length > mostBytes) {
      await part.restart();
      throw tooLong(file, where);
    }
    await context.rateLimit?.take(chunk.length, context.signal);
    await part.append(chunk);
    progress.tell({ file: file.name, phase: 'download', doneBytes: part.bytes, totalBytes });
  }
  assertNotShort(file, part, where);
}

function assertNotShort(file: ManifestFile, part: PartFile, where: string): void {
  const leastBytes = part.origin.totalBytes ?? windowOf(file).minBytes;
  // The body ended in good order (no length was announced, or it was a shorter part).
  if (part.bytes >= leastBytes) return;
  throw new CcxriError('network', `${file.name}: ${where} ended the file before its end`, {
    file: file.name,
    expected: `${leastBytes} bytes`,
    found: `${part.bytes} bytes`,
  });
}

/** A file of a local directory: copied, never linked, so that it lies here by itself. */
export async function receivePath(reception: Reception, path: string): Promise<void> {
  const { file } = reception;
  let size: number;
  try {
    ({ size } = await stat(path));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw toDiskError(error, 'read', { path });
    throw new CcxriError('file-not-at-source', `${file.name}: there is no ${path}`, { path });
  }
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024 });
  try {
    await receiveWhole(reception, {
      claim: { where: toPrintable(path), totalBytes: size, contentType: undefined },
      origin: { url: pathToFileURL(path).href, etag: null, totalBytes: size },
      chunks: stream,
    });
  } finally {
    stream.destroy();
  }
}
