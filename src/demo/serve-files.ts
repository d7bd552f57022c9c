import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { systemClock } from '../clock.ts';
import { RateLimit } from '../http/rate-limit.ts';

export interface FileServer {
  /** `http://127.0.0.1:PORT/`, where index.html is the answer as well. */
  readonly url: string;
  /** Ends every connection, too. */
  close(): Promise<void>;
}

interface ServedFile {
  readonly bytes: Buffer;
  /** Strong: of the content. */
  readonly etag: string;
  readonly type: string;
}

const PIECE_BYTES = 8 * 1024;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.zip': 'application/zip',
};

/**
 * Serves files on a free port of this machine alone, with ranges and validators as a good server
 * does (RFC 9110, sections 13 and 14).
 * @param bytesPerSecond over all connections together
 */
export async function serveFiles(
  files: ReadonlyMap<string, Buffer>,
  bytesPerSecond: number,
): Promise<FileServer> {
  const closing = new AbortController();
  const rate = new RateLimit(bytesPerSecond, systemClock);
  const served = new Map([...files].map(([name, bytes]) => [`/${name}`, toServed(name, bytes)]));
  const server = createServer((request, response) => {
    const file = served.get(pathOf(request));
    const body = answer(request, response, file);
    // Who asks may leave at any time: that is the end of an answer like another.
    void pipeline(Readable.from(paced(body, rate, closing.signal)), response).catch(
      () => undefined,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function toServed(name: string, bytes: Buffer): ServedFile {
  const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
  return { bytes, etag, type: TYPES[extname(name)] ?? 'application/octet-stream' };
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const path = url.replace(/[?#].*$/, '');
  return path === '/' ? '/index.html' : path;
}

/** Writes the head of the answer, and gives its body back. */
function answer(
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedFile | undefined,
): Buffer {
  const nothing = Buffer.alloc(0);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' });
    return nothing;
  }
  if (file === undefined) {
    response.writeHead(404);
    return nothing;
  }
  const { bytes, etag, type } = file;
  const head = { 'content-type': type, etag, 'accept-ranges': 'bytes' };
  const range = rangeOf(request, file);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...head, 'content-range': `bytes */${bytes.length}` });
    return nothing;
  }
  const [from, to] = range ?? [0, bytes.length];
  response.writeHead(range === undefined ? 200 : 206, {
    ...head,
    'content-length': to - from,
    ...(range === undefined ? {} : { 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` }),
  });
  return request.method === 'HEAD' ? nothing : bytes.subarray(from, to);
}

/** First byte and the one behind the last; undefined: the whole file is wanted. */
function rangeOf(
  { headers, method }: IncomingMessage,
  { bytes, etag }: ServedFile,
): readonly [number, number] | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '');
  const ifRange = headers['if-range'] ?? etag;
  // Several ranges at once may be ignored, and are.
  if (match === null || method !== 'GET' || ifRange !== etag) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  const from = first === '' ? Math.max(0, bytes.length - Number(last)) : Number(first);
  const to = first === '' || last === '' ? bytes.length : Number(last) + 1;
  if (to <= from && last !== '' && first !== '') return undefined;
  if (from >= bytes.length) return 'unsatisfiable';
  return [from, Math.min(to, bytes.length)];
}

async function* paced(bytes: Buffer, rate: RateLimit, signal: AbortSignal): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
    const piece = bytes.subarray(from, from + PIECE_BYTES);
    await rate.take(piece.length, signal);
    yield piece;
  }
}
