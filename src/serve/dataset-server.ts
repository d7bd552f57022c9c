import { setMaxListeners } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { Socket } from 'node:net';
import type { Session } from '../dataset/session.ts';
import { errnoOf } from '../errors.ts';
import { type Listening, listen } from '../http-server/listen.ts';
import { isLoopbackAddress } from './addresses.ts';
import { Site, clientOf } from './site.ts';
import { DEFAULT_HOST, DEFAULT_MAX_CONNECTIONS, DEFAULT_PORT, type ServeOptions } from './types.ts';

/** Between two requests of a client. */
const KEEP_ALIVE_MS = 15_000;
/** How often the timeouts of heads are looked at. */
const CHECK_EVERY_MS = 1000;
/** Connections that wait with nothing to do, beside those that are answered. */
const IDLE_CONNECTIONS = 64;

/** Lets requests in, within limits of number and time; what is under way is known, so that it can be ended. */
export class DatasetServer {
  readonly site: Site;
  /** Rejects with a bug, which ends the run. */
  readonly failed: Promise<never>;
  readonly #session: Session;
  readonly #options: ServeOptions;
  readonly #server: Server;
  readonly #underWay = new Set<Promise<void>>();
  /** Fires when a connection has ended. */
  readonly #endOf = new WeakMap<Duplex, AbortSignal>();
  #fail: (error: unknown) => void = () => undefined;

  constructor(session: Session, options: ServeOptions) {
    this.#session = session;
    this.#options = options;
    this.failed = new Promise((_resolve, reject) => (this.#fail = reject));
    this.failed.catch(() => undefined);
    this.#server = createServer(timeoutsOf(options));
    const { idleTimeoutMs = 60_000, maxConnections = DEFAULT_MAX_CONNECTIONS } = options;
    this.#server.timeout = idleTimeoutMs;
    this.#server.maxConnections = maxConnections * 2 + IDLE_CONNECTIONS;
    const isLoopback = () => isLoopbackOf(this.#server);
    const { manifest, files, layout, ledger, clock, onEvent } = session;
    const places = { manifest, files, layout, ledger };
    this.site = new Site({ ...places, clock, onEvent, isLoopback, maxConnections });
    this.#listenForRequests();
  }

  /** @throws CcxriError as `listen` */
  open(): Promise<Listening> {
    const { host = DEFAULT_HOST, port = DEFAULT_PORT } = this.#options;
    return listen(this.#server, { host, port });
  }

  /** Ends every connection, and waits until all that was under way is logged. */
  async close(listening: Listening): Promise<void> {
    await listening.close();
    await Promise.all(this.#underWay);
  }

  #listenForRequests(): void {
    this.#server.on('connection', (socket) => {
      const end = new AbortController();
      // Each request under way listens to it.
      setMaxListeners(0, end.signal);
      this.#endOf.set(socket, end.signal);
      socket.once('close', () => end.abort());
    });
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response);
    };
    this.#server.on('request', answer);
    // Whoever asks first whether a body is welcome, or expects something else, is answered as all others.
    this.#server.on('checkContinue', answer);
    this.#server.on('checkExpectation', answer);
    this.#server.on('connect', ({ method, url }: IncomingMessage, socket: Duplex) => {
      this.#refuse(socket, 405, { method, path: url });
    });
    this.#server.on('clientError', (error, socket) => {
      this.#refuse(socket, statusOf(error), { method: undefined, path: undefined });
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    // The body of a GET means nothing: it is not read, and the connection ends behind the answer.
    const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
    if (length !== '0' || coding !== undefined) response.shouldKeepAlive = false;
    const end = this.#endOf.get(request.socket) ?? AbortSignal.abort();
    const answering = this.site.answer(request, response, end).catch(this.#fail);
    this.#underWay.add(answering);
    void answering.then(() => this.#underWay.delete(answering));
  }

  /** Answers what is no request that can be handled, and ends the connection. */
  #refuse(
    socket: Duplex,
    status: number,
    asked: { readonly method: string | undefined; readonly path: string | undefined },
  ): void {
    if (!socket.writable || status === 0) {
      socket.destroy();
      return;
    }
    const head = `HTTP/1.1 ${status} ${REASONS[status] ?? 'Bad Request'}`;
    const text = `${head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
    socket.end(text, () => socket.destroy());
    const client = clientOf(socket instanceof Socket ? socket.remoteAddress : undefined);
    const startedAt = this.#session.clock.date().toISOString();
    this.site.emit({
      client,
      ...asked,
      httpStatus: status,
      bytes: 0,
      elapsedMs: 0,
      startedAt,
      whole: true,
    });
  }
}

function timeoutsOf({ headTimeoutMs = 10_000 }: ServeOptions) {
  return {
    headersTimeout: headTimeoutMs,
    // Nobody has anything to send but a head.
    requestTimeout: headTimeoutMs,
    connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, headTimeoutMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Looked at where the request is logged.
    requireHostHeader: false,
  };
}

function isLoopbackOf(server: Server): boolean {
  const bound = server.address();
  return bound !== null && typeof bound === 'object' && isLoopbackAddress(bound.address);
}

const REASONS: Readonly<Record<number, string>> = {
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

/** 0: the connection has ended, and nobody is there to be answered. */
function statusOf(error: Error): number {
  switch (errnoOf(error) ?? '') {
    case 'ECONNRESET':
    case 'EPIPE':
      return 0;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 408;
    case 'HPE_HEADER_OVERFLOW':
      return 431;
    default:
      return 400;
  }
}
