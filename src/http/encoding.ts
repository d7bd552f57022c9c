import { Readable } from 'node:stream';
import { createBrotliDecompress, createInflate, createUnzip } from 'node:zlib';
import { CcxriError, errnoOf, isCcxriError } from '../errors.ts';

/** The content codings that change bytes. `zstd` can't be decoded by every Node that ccxri runs on. */
export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd';

const CODINGS: ReadonlyMap<string, Coding> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
  ['zstd', 'zstd'],
]);

/**
 * The codings that a Content-Encoding names, in the order in which they were applied (RFC 9110, 8.4).
 * Any other word (`none`, `identity`, `binary`, a media type) is no coding: servers send such words in
 * front of plain bytes.
 */
export function codingsOf(contentEncoding: string | undefined): readonly Coding[] {
  const words = (contentEncoding ?? '').split(',').map((word) => word.trim().toLowerCase());
  return words.flatMap((word) => CODINGS.get(word) ?? []);
}

/** Whether bytes begin as gzip does (RFC 1952, 2.3.1: the magic, and deflate as the method). */
export function isGzipStart(start: Uint8Array): boolean {
  return start[0] === 0x1f && start[1] === 0x8b && start[2] === 8;
}

/**
 * The bytes below these codings. The caller bounds how many it reads: a few encoded bytes can hold
 * very many.
 * @param bytes each valid until the next is requested
 * @throws CcxriError `network`: they are not encoded so, or end too early; what `bytes` throws
 */
export async function* decodeBody(
  bytes: AsyncIterable<Buffer>,
  codings: readonly Coding[],
  where: string,
): AsyncGenerator<Buffer, void, undefined> {
  let decoded: Readable = Readable.from(copies(bytes), { objectMode: false });
  const streams = [decoded];
  for (const coding of codings.toReversed()) {
    const decoder = createDecoder(coding, where);
    const source = decoded;
    source.on('error', (error) => decoder.destroy(error));
    decoded = source.pipe(decoder);
    streams.push(decoded);
  }
  try {
    const chunks: AsyncIterable<Buffer> = decoded;
    yield* chunks;
  } catch (error) {
    if (isCcxriError(error) || !DECODER_ERROR.test(errnoOf(error) ?? '')) throw error;
    const message = `${where}: the body can't be decoded (${codings.join(', ')})`;
    throw new CcxriError('network', message, { url: where, cause: error });
  } finally {
    for (const stream of streams) stream.destroy();
  }
}

/** Of zlib; Brotli's have names such as `ERR__ERROR_FORMAT_PADDING_2`. */
const DECODER_ERROR = /^(?:Z_|ERR_)/;

/** Decoders read ahead, while a batch is overwritten by the next. */
async function* copies(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  for await (const batch of bytes) yield Buffer.from(batch);
}

function createDecoder(coding: Coding, where: string) {
  switch (coding) {
    case 'gzip':
      return createUnzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      throw new CcxriError('network', `${where} sends its answer encoded by zstd`, {
        url: where,
        permanent: true,
        next: [{ kind: 'option', option: 'source' }],
      });
  }
}
