import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { aborted } from 'node:util';
import { systemClock } from '../clock.ts';
import { type ServedContent, answerOf, typeOf } from '../http-server/answer.ts';
import { listen } from '../http-server/listen.ts';
import { RateLimit } from '../http/rate-limit.ts';

export interface FileServer {
  /** `http://127.0.0.1:PORT/`, where index.html is the answer as well. */
  readonly url: string;
  /** Ends every connection, too. */
  close(): Promise<void>;
}

interface ServedFile {
  readonly body: Buffer;
  readonly content: ServedContent;
}

/** What a request is answered with. */
export interface Answer {
  /** The file: as in `files`. */
  readonly name: string;
  readonly fromByte: number;
  /** Length of the body. */
  readonly bytes: number;
  /** Length of the file. */
  readonly totalBytes: number;
}

/**
 * What goes wrong with an answer on purpose, at this byte of its body. `cut`: the connection is closed there;
 * `flip`: that byte is another one; `hold`: nothing more is sent until the client goes away.
 */
export interface Fault {
  readonly kind: 'cut' | 'flip' | 'hold';
  readonly atByte: number;
  /** Called when that is done, or the bytes before it are sent. */
  readonly onReached?: (() => void) | undefined;
}

export interface ServeOptions {
  /** Over all connections together. */
  readonly bytesPerSecond: number;
  /** Asked for each body before it is sent. Default: none goes wrong. */
  readonly faultOf?: ((answer: Answer) => Fault | undefined) | undefined;
}

/** Small, so that files of a few kilobytes arrive one after the other, and can be interrupted. */
const PIECE_BYTES = 1024;

/**
 * Serves files on a free port of this machine alone, with ranges and validators as a good server
 * does (RFC 9110, sections 13 and 14); what goes wrong is asked for.
 */
export async function serveFiles(
  files: ReadonlyMap<string, Buffer>,
  { bytesPerSecond, faultOf = () => undefined }: ServeOptions,
): Promise<FileServer> {
  const closing = new AbortController();
  const rate = new RateLimit(bytesPerSecond, systemClock);
  const served = new Map([...files].map(([name, bytes]) => [name, toServed(name, bytes)]));
  const server = createServer((request, response) => {
    const name = nameOf(request);
    const { body, fromByte } = writeHead(request, response, served.get(name));
    const isFile = body.length > 0;
    const of = { name, fromByte, bytes: body.length, totalBytes: files.get(name)?.length ?? 0 };
    const fault = isFile ? faultOf(of) : undefined;
    // Who asks may leave at any time: that is the end of an answer like another.
    const left = new AbortController();
    response.once('close', () => left.abort());
    const signal = AbortSignal.any([closing.signal, left.signal]);
    void send(response, paced(body, { rate, fault, signal }), { fault, signal }).catch(() =>
      response.destroy(),
    );
  });
  const listening = await listen(server, { host: '127.0.0.1', port: 0 });
  return {
    url: `http://${listening.address}:${listening.port}/`,
    close: async () => {
      closing.abort();
      await listening.close();
    },
  };
}

function toServed(name: string, body: Buffer): ServedFile {
  const etag = `"${createHash('md5').update(body).digest('hex')}"`;
  return { body, content: { bytes: body.length, etag, type: typeOf(name) } };
}

function nameOf({ url = '/' }: IncomingMessage): string {
  const path = url.replace(/[?#].*$/, '');
  return path === '/' ? 'index.html' : path.slice(1);
}

/** Writes the head of the answer, and gives its body back. */
function writeHead(
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedFile | undefined,
): { readonly body: Buffer; readonly fromByte: number } {
  const nothing = { body: Buffer.alloc(0), fromByte: 0 };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' });
    return nothing;
  }
  if (file === undefined) {
    response.writeHead(404);
    return nothing;
  }
  const { status, headers, fromByte, toByte } = answerOf(request, file.content);
  response.writeHead(status, headers);
  return { body: file.body.subarray(fromByte, toByte), fromByte };
}

interface Sending {
  readonly fault: Fault | undefined;
  readonly signal: AbortSignal;
}

/** A body in pieces, each when the rate admits it, up to where it is cut or held. */
async function* paced(
  bytes: Buffer,
  { rate, fault, signal }: Sending & { readonly rate: RateLimit },
): AsyncGenerator<Buffer> {
  const body = fault?.kind === 'flip' ? withFlippedByte(bytes, fault.atByte) : bytes;
  const end = fault === undefined || fault.kind === 'flip' ? body.length : fault.atByte;
  for (let from = 0; from < end; from += PIECE_BYTES) {
    const piece = body.subarray(from, Math.min(end, from + PIECE_BYTES));
    await rate.take(piece.length, signal);
    yield piece;
  }
}

function withFlippedByte(bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
  return flipped;
}

async function send(
  response: ServerResponse,
  pieces: AsyncIterable<Buffer>,
  { fault, signal }: Sending,
): Promise<void> {
  for await (const piece of pieces) await write(response, piece);
  fault?.onReached?.();
  if (fault?.kind === 'hold') await aborted(signal, response);
  if (fault?.kind === 'cut') response.destroy();
  else response.end();
}

/** Resolves when the system has it: what is destroyed after that has been sent. */
function write(response: ServerResponse, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(piece, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}
