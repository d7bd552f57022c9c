import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach } from 'vitest';

/** A request as it came over the wire. */
export interface RawRequest {
  readonly method: string;
  /** As it stands in the request line: a proxy gets a whole URL here. */
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the server, counted from 0. */
  readonly index: number;
  /** Which connection it came by, counted from 0. */
  readonly connection: number;
}

/** What a script may do with the connection that a request came by. */
export interface RawReply {
  /** Sends bytes as they are; false: the other side has gone. */
  send(bytes: string | Uint8Array): Promise<boolean>;
  /** Waits, at most until the other side goes. */
  wait(ms: number): Promise<void>;
  /** Waits until the other side goes. */
  hang(): Promise<void>;
  /** Says that nothing more comes (FIN). */
  end(): void;
  /** Breaks the connection off (RST). */
  reset(): void;
  readonly socket: Socket;
  readonly isGone: () => boolean;
}

export type RawScript = (request: RawRequest, reply: RawReply) => Promise<unknown> | undefined;

export interface RawServer {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, no slash behind it. */
  readonly url: string;
  readonly requests: readonly RawRequest[];
  /** Connections that were made, and those that are open now. */
  readonly connections: () => { readonly made: number; readonly open: number };
  close(): Promise<void>;
}

export interface RawServerOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Speaks first, or breaks off, before any request. */
  readonly onConnection?: (socket: Socket, connection: number) => void;
}

/** Servers of a test file that play a script, byte by byte; all are closed after each test. */
export function useRawServers(): (
  script: RawScript,
  options?: RawServerOptions,
) => Promise<RawServer> {
  const made: { server: RawServer; failures: unknown[] }[] = [];
  afterEach(async () => {
    const all = made.splice(0);
    await Promise.all(all.map(({ server }) => server.close()));
    for (const failure of all.flatMap(({ failures }) => failures)) throw failure;
  });
  return async (script, options = {}) => {
    const failures: unknown[] = [];
    const server = await startRawServer(script, options, failures);
    made.push({ server, failures });
    return server;
  };
}

async function startRawServer(
  script: RawScript,
  options: RawServerOptions,
  failures: unknown[],
): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const serve = (socket: Socket) => {
    const connection = connections;
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    options.onConnection?.(socket, connection);
    const reply = toReply(socket);
    void readRequests(socket, async (head) => {
      const request = { ...head, connection, index: requests.length };
      requests.push(request);
      await script(request, reply);
    }).catch((error: unknown) => {
      failures.push(error);
      socket.destroy();
    });
  };
  const server: Server =
    options.tls === undefined
      ? createTcpServer({ noDelay: true }, serve)
      : createTlsServer({ ...options.tls, noDelay: true }, serve);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}`,
    requests,
    connections: () => ({ made: connections, open: sockets.size }),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function toReply(socket: Socket): RawReply {
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const isGone = () => socket.destroyed || !socket.writable;
  return {
    socket,
    isGone,
    send: (bytes) =>
      new Promise((resolve) => {
        if (isGone()) resolve(false);
        else socket.write(bytes, (error) => resolve(error === undefined || error === null));
      }),
    wait: async (ms) => {
      let timer: NodeJS.Timeout | undefined;
      const slept = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      });
      await Promise.race([slept, gone]);
      clearTimeout(timer);
    },
    hang: () => gone,
    end: () => socket.end(),
    reset: () => socket.resetAndDestroy(),
  };
}

type Head = Pick<RawRequest, 'method' | 'path' | 'headers'>;

/** GET requests one after the other, as keep-alive has them. */
async function readRequests(socket: Socket, serve: (head: Head) => Promise<void>): Promise<void> {
  let buffered = '';
  let queue = Promise.resolve();
  const failed = new Promise<never>((_, reject) => {
    socket.on('data', (bytes: Buffer) => {
      buffered += bytes.toString('latin1');
      for (;;) {
        const end = buffered.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = parseHead(buffered.slice(0, end));
        buffered = buffered.slice(end + 4);
        // A tunnel carries what it likes: the script takes the socket over.
        if (head.method === 'CONNECT') socket.removeAllListeners('data');
        queue = queue.then(() => serve(head));
        queue.catch(reject);
        if (head.method === 'CONNECT') return;
      }
    });
  });
  await Promise.race([
    failed,
    new Promise<void>((resolve) => socket.once('close', () => resolve())),
  ]);
  await queue;
}

function parseHead(text: string): Head {
  const [requestLine = '', ...lines] = text.split('\r\n');
  const [method = '', path = ''] = requestLine.split(' ');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { method, path, headers };
}

type Headers = Readonly<Record<string, string | number>>;

/** Status line and headers, with the blank line behind them. */
export function head(status: number, headers: Headers = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Whatever\r\n${lines.join('')}\r\n`;
}

export function answer(status: number, body: string | Uint8Array, headers: Headers = {}): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([
    Buffer.from(head(status, { 'Content-Length': bytes.length, ...headers })),
    bytes,
  ]);
}

/** A 200 with a strong ETag. */
export function whole(body: Uint8Array, headers: Headers = {}): Buffer {
  return answer(200, body, { ETag: '"v1"', 'Accept-Ranges': 'bytes', ...headers });
}

/** A 206 from one byte to the end. */
export function part(body: Uint8Array, fromByte: number, headers: Headers = {}): Buffer {
  return answer(206, body.subarray(fromByte), {
    ETag: '"v1"',
    'Content-Range': `bytes ${fromByte}-${body.length - 1}/${body.length}`,
    ...headers,
  });
}

export function unsatisfiable(totalBytes: number): Buffer {
  return answer(416, '', { 'Content-Range': `bytes */${totalBytes}` });
}

export function html(text: string, headers: Headers = {}): Buffer {
  return answer(200, `<!doctype html><title>${text}</title>`, {
    'Content-Type': 'text/html; charset=utf-8',
    ...headers,
  });
}

/** A chunked 200; `end: false` leaves out the last chunk. */
export function chunked(
  pieces: readonly Uint8Array[],
  { end = true, headers = {} }: { readonly end?: boolean; readonly headers?: Headers } = {},
): Buffer {
  const chunks = pieces.map((piece) =>
    Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]),
  );
  return Buffer.concat([
    Buffer.from(head(200, { 'Transfer-Encoding': 'chunked', ETag: '"v1"', ...headers })),
    ...chunks,
    Buffer.from(end ? '0\r\n\r\n' : ''),
  ]);
}

/** The same response with line ends by LF alone: malformed, and understood by browsers. */
export function sloppy(response: Buffer): Buffer {
  const end = response.indexOf('\r\n\r\n') + 4;
  const head = response.subarray(0, end).toString('latin1').replaceAll('\r\n', '\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), response.subarray(end)]);
}

export function redirect(location: string, status = 302): Buffer {
  return answer(status, '', { Location: location });
}

/** First byte that a request asks for; undefined: it asks for the whole. */
export function fromByteOf(request: RawRequest): number | undefined {
  const from = /^bytes=(\d+)-$/.exec(request.headers['range'] ?? '')?.[1];
  return from === undefined ? undefined : Number(from);
}

/** The bytes that a request asks for, where it names their end: from the first to before the second. */
export function spanOf(request: RawRequest): readonly [from: number, to: number] | undefined {
  const found = /^bytes=(\d+)-(\d+)$/.exec(request.headers['range'] ?? '');
  return found === null ? undefined : [Number(found[1]), Number(found[2]) + 1];
}

/** A 206 of some bytes. */
export function slice(
  body: Uint8Array,
  [from, to]: readonly [from: number, to: number],
  headers: Headers = {},
): Buffer {
  const end = Math.min(to, body.length);
  return answer(206, body.subarray(from, end), {
    ETag: '"v1"',
    'Content-Range': `bytes ${from}-${end - 1}/${body.length}`,
    ...headers,
  });
}

/** What an honest server with one file says: ranges under If-Range, else the whole. */
export function honest(body: Uint8Array, request: RawRequest, etag = '"v1"'): Buffer {
  const span = spanOf(request);
  const from = fromByteOf(request) ?? span?.[0];
  const isSame = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  if (from === undefined || !isSame) return whole(body, { ETag: etag });
  if (from >= body.length) return unsatisfiable(body.length);
  return span === undefined ? part(body, from, { ETag: etag }) : slice(body, span, { ETag: etag });
}

/** A 200 that announces the whole and holds its first bytes only: to be followed by an end. */
export function brokenOff(
  body: Uint8Array,
  bytes: number,
  headers: Headers = { ETag: '"v1"' },
): Buffer {
  const announced = head(200, { 'Content-Length': body.length, ...headers });
  return Buffer.concat([Buffer.from(announced), body.subarray(0, bytes)]);
}
