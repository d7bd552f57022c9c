import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { codingsOf, decodeBody, isGzipStart, type Coding } from '../../src/http/encoding.ts';
import { noise } from '../support/fetching.ts';

const PLAIN = Buffer.concat([noise('encoded', 300_000), Buffer.alloc(2_000_000)]);

/** Pieces in one buffer, each overwritten by the next, as a connection hands them over. */
async function* piecesOf(bytes: Buffer, size = 10_000): AsyncGenerator<Buffer> {
  const buffer = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    const copied = bytes.copy(buffer, 0, at, at + size);
    yield buffer.subarray(0, copied);
  }
}

async function decode(bytes: Buffer, ...codings: readonly Coding[]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of decodeBody(piecesOf(bytes), codings, 'http://h/f')) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('#186 a Content-Encoding', () => {
  it.each([
    [undefined, []],
    ['', []],
    ['identity', []],
    ['none', []],
    ['binary', []],
    ['UTF-8', []],
    ['application/zip', []],
    ['GZip', ['gzip']],
    ['x-gzip', ['gzip']],
    ['identity, br', ['br']],
    ['deflate , gzip', ['deflate', 'gzip']],
    ['zstd', ['zstd']],
  ])('"%s" names %j', (header, codings) => {
    expect(codingsOf(header)).toEqual(codings);
  });
});

describe('an encoded body', () => {
  it('is decoded, whatever its coding', async () => {
    expect((await decode(gzipSync(PLAIN), 'gzip')).equals(PLAIN)).toBe(true);
    expect((await decode(deflateSync(PLAIN), 'deflate')).equals(PLAIN)).toBe(true);
    expect((await decode(brotliCompressSync(PLAIN), 'br')).equals(PLAIN)).toBe(true);
    expect((await decode(gzipSync(brotliCompressSync(PLAIN)), 'br', 'gzip')).equals(PLAIN)).toBe(
      true,
    );
  });

  it('that is cut, or is not encoded at all, is an error of the network', async () => {
    const cut = gzipSync(PLAIN).subarray(0, 100_000);
    await expect(decode(cut, 'gzip')).rejects.toMatchObject({ code: 'network' });
    await expect(decode(PLAIN, 'br')).rejects.toMatchObject({ code: 'network' });
    await expect(decode(PLAIN, 'zstd')).rejects.toMatchObject({ facts: { permanent: true } });
  });

  it('hands on what the connection fails with, and drops the connection where its reader leaves', async () => {
    const failure = new Error('reset');
    const broken = async function* () {
      yield* piecesOf(gzipSync(PLAIN).subarray(0, 100_000));
      throw failure;
    };
    const read = async () => {
      for await (const chunk of decodeBody(broken(), ['gzip'], 'x')) expect(chunk).toBeDefined();
    };
    await expect(read()).rejects.toBe(failure);

    const left = { isClosed: false };
    const watched = async function* () {
      try {
        yield* piecesOf(gzipSync(randomBytes(5_000_000)));
      } finally {
        left.isClosed = true;
      }
    };
    for await (const chunk of decodeBody(watched(), ['gzip'], 'x')) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(left.isClosed).toBe(true);
  });

  it('is recognized by its first bytes', () => {
    expect(isGzipStart(gzipSync('x'))).toBe(true);
    expect(isGzipStart(Buffer.from('PK\x03\x04'))).toBe(false);
  });
});
