import { type IncomingMessage, request as sendRequest } from 'node:http';
import { type Socket, isIP } from 'node:net';
import { Duplex, pipeline } from 'node:stream';
import type { Dispatcher, buildConnector } from 'undici';
import { untilAborted } from './connect.ts';
import type { Carrier } from './exchange.ts';
import { HeadRepair, MAX_HEAD_BYTES } from './repair-head.ts';

type Connect = (to: buildConnector.Options) => Promise<Socket>;

/**
 * Sends requests by Node's own client with its lenient parser, to hosts whose HTTP is refused otherwise:
 * one at a time to an origin, each over a connection of its own, so that no response can be taken for
 * that of another request.
 */
export class LenientClient {
  readonly #connect: Connect;
  /** By origin: when its last request is over. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  /** @param onTurn called when a request is no longer queued */
  carrier(onTurn: () => void): Carrier {
    return {
      dispatch: (options, handler) => {
        const url = new URL(options.path, options.origin);
        const before = this.#turns.get(url.origin) ?? Promise.resolve();
        const work = before.then(() => this.#exchange(url, options, { handler, onTurn }));
        this.#turns.set(url.origin, work);
      },
    };
  }

  /** Never throws: what goes wrong is the handler's. */
  async #exchange(
    url: URL,
    { headers }: Dispatcher.DispatchOptions,
    { handler, onTurn }: { handler: Dispatcher.DispatchHandler; onTurn: () => void },
  ): Promise<void> {
    const stop = new AbortController();
    const control = new Controller(stop);
    handler.onRequestStart?.(control, undefined);
    if (stop.signal.aborted) return;
    onTurn();
    try {
      const connecting = this.#connect(toConnectorOptions(url));
      const socket = await untilAborted(connecting, stop.signal).catch((error: unknown) => {
        void connecting.then(
          (late) => late.destroy(),
          () => undefined,
        );
        throw error;
      });
      await converse(socket, url, { headers, control, handler, signal: stop.signal });
    } catch (error) {
      handler.onResponseError?.(control, error instanceof Error ? error : new Error(String(error)));
    }
  }
}

interface Conversation {
  readonly headers: Dispatcher.DispatchOptions['headers'];
  readonly control: Controller;
  readonly handler: Dispatcher.DispatchHandler;
  readonly signal: AbortSignal;
}

/** One request and its response; the connection ends with them. */
async function converse(
  socket: Socket,
  url: URL,
  { headers, control, handler, signal }: Conversation,
) {
  const repaired = new HeadRepair();
  const wire = Duplex.from({ writable: socket, readable: repaired });
  pipeline(socket, repaired, (error) => {
    if (error) wire.destroy(error);
  });
  wire.on('error', () => undefined);
  try {
    await new Promise<void>((resolve, reject) => {
      const sent = sendRequest({
        createConnection: () => wire,
        insecureHTTPParser: true,
        maxHeaderSize: MAX_HEAD_BYTES,
        path: `${url.pathname}${url.search}`,
        headers: {
          host: url.host,
          connection: 'close',
          ...Object.fromEntries(Object.entries(headers ?? {})),
        },
        signal,
      });
      sent.on('error', reject);
      sent.on('response', (message) => {
        control.message = message;
        handler.onResponseStart?.(control, message.statusCode ?? 0, message.headers);
        message.on('data', (chunk: Buffer) => handler.onResponseData?.(control, chunk));
        message.on('error', reject);
        message.on('end', resolve);
      });
      sent.end();
    });
  } finally {
    socket.destroy();
    wire.destroy();
  }
  handler.onResponseEnd?.(control, {});
}

class Controller implements Dispatcher.DispatchController {
  readonly #stop: AbortController;
  message: IncomingMessage | undefined;
  reason: Error | null = null;

  constructor(stop: AbortController) {
    this.#stop = stop;
  }

  get aborted(): boolean {
    return this.#stop.signal.aborted;
  }

  get paused(): boolean {
    return this.message?.isPaused() ?? false;
  }

  abort(reason: Error): void {
    this.reason ??= reason;
    this.#stop.abort(reason);
  }

  pause(): void {
    this.message?.pause();
  }

  resume(): void {
    this.message?.resume();
  }
}

function toConnectorOptions({ protocol, hostname, host, port }: URL): buildConnector.Options {
  const name = hostname.replace(/^\[(.*)\]$/, '$1');
  return { protocol, hostname: name, host, port, ...(isIP(name) === 0 && { servername: name }) };
}
