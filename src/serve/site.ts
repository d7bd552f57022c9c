import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import type { Clock } from '../clock.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { isCcxriError, toLimitError } from '../errors.ts';
import type { EventListener, RequestEvent } from '../events.ts';
import { answerOf, typeOf } from '../http-server/answer.ts';
import { closeHandle } from '../fs/paths.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import { renderPage } from './page.ts';
import { pathsOf, routeOf } from './route.ts';
import { sendFile } from './send-file.ts';
import { type ServedPlaces, lookAt, openServed } from './served-file.ts';

/** What a client above the limit is asked to wait. */
const RETRY_AFTER_S = 1;
const LOOKED_AT_ONCE = 8;

interface SiteContext extends ServedPlaces {
  readonly manifest: Manifest;
  /** What is selected. */
  readonly files: readonly ManifestFile[];
  /** Nobody but this machine can connect. */
  readonly isLoopback: () => boolean;
  readonly maxConnections: number;
  readonly clock: Clock;
  readonly onEvent: EventListener;
}

/** What is noted of a request while it is answered. */
interface Exchange {
  readonly request: Pick<IncomingMessage, 'method' | 'url' | 'headers' | 'httpVersion'>;
  readonly response: ServerResponse;
  /** Fires when the connection has ended. */
  readonly end: AbortSignal;
  file: ManifestFile | undefined;
  bytes: number;
  why: string | undefined;
}

/** Answers requests for the page and the files of a dataset directory, as they are at that moment. */
export class Site {
  readonly #context: SiteContext;
  readonly #paths: ReadonlyMap<string, ManifestFile>;
  /** Odd files that were warned of. */
  readonly #warned = new Set<string>();
  #busy = 0;
  #requests = 0;
  #refused = 0;
  #bytes = 0;

  constructor(context: SiteContext) {
    this.#context = context;
    this.#paths = pathsOf(context.files);
  }

  get counts() {
    return { requests: this.#requests, refused: this.#refused, bytes: this.#bytes };
  }

  /**
   * Answers a request, and emits how that ended.
   * @param end fires when the connection has ended: a response that waits behind another one is never told
   * @throws bugs alone
   */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    end: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#context;
    const [startMs, startedAt] = [clock.nowMs(), clock.date().toISOString()];
    const client = clientOf(request.socket.remoteAddress);
    const exchange: Exchange = {
      ...{ request, response, end, file: undefined, bytes: 0, why: undefined },
    };
    this.#busy += 1;
    try {
      const over = this.#busy > this.#context.maxConnections;
      if (over) this.#refused += 1;
      if (over) sendText(exchange, 503, 'too many requests at once', BUSY);
      else await this.#answer(exchange);
      const whole = await isFinished(response, end);
      this.emit({
        ...{ client, method: request.method, path: request.url, startedAt },
        ...{ httpStatus: response.statusCode, bytes: exchange.bytes, whole },
        ...{ elapsedMs: Math.round(clock.nowMs() - startMs) },
        ...{ file: exchange.file?.name, why: exchange.why },
      });
    } finally {
      this.#busy -= 1;
    }
  }

  /** Counts a request, and emits it with what it said made printable. */
  emit({ method = '-', path = '-', ...of }: RequestSeen): void {
    this.#requests += 1;
    this.#bytes += of.bytes;
    const shown = { method: toPrintable(method, 20), path: toPrintable(path, 200) };
    this.#context.onEvent({ event: 'request', ...of, ...shown });
  }

  /** The files that may be served now, in the manifest's order. @throws CcxriError of the disk */
  async filesHere(): Promise<readonly ManifestFile[]> {
    const { files } = this.#context;
    const here = new Set<ManifestFile>();
    await forEachAtOnce(files, LOOKED_AT_ONCE, async (file) => {
      const looked = await lookAt(file, this.#context);
      if (looked.kind === 'passed') here.add(file);
      else if (looked.isOdd) this.#warn(file, looked.why);
    });
    return files.filter((file) => here.has(file));
  }

  async #answer(exchange: Exchange): Promise<void> {
    const isLoopback = this.#context.isLoopback();
    const route = routeOf(exchange.request, { files: this.#paths, isLoopback });
    try {
      if (route.kind === 'file') await this.#answerFile(exchange, route.file);
      else if (route.kind === 'page') await this.#answerPage(exchange);
      else sendText(exchange, route.status, route.why, route.status === 405 ? ALLOW : {});
    } catch (thrown) {
      const error = toLimitError(thrown);
      if (!isCcxriError(error)) throw error;
      this.#warn(exchange.file, error.message);
      exchange.why = error.message;
      const { response } = exchange;
      if (response.headersSent) response.destroy();
      else sendText(exchange, 503, 'the disk can not be read', BUSY);
    }
  }

  async #answerPage(exchange: Exchange): Promise<void> {
    const { manifest, files } = this.#context;
    const body = renderPage(manifest, await this.filesHere(), files);
    send(exchange, 200, body, { 'content-type': typeOf('index.html'), ...PAGE_POLICY });
  }

  async #answerFile(exchange: Exchange, file: ManifestFile): Promise<void> {
    const { request, response, end } = exchange;
    exchange.file = file;
    const opened = await openServed(file, this.#context);
    if (opened.kind === 'not-served') {
      if (opened.isOdd) this.#warn(file, opened.why);
      exchange.why = `it ${opened.why}`;
      sendText(exchange, 404, `${file.name} ${opened.why}`);
      return;
    }
    try {
      const { receipt, stats } = opened;
      const content = { bytes: stats.size, etag: `"${receipt.md5}"`, type: typeOf(file.name) };
      const { status, headers, ...span } = answerOf(request, content);
      response.writeHead(status, { ...headers, ...NO_SNIFFING });
      const onSent = (bytes: number) => (exchange.bytes += bytes);
      const sent = await sendFile(opened, { response, end }, span, onSent);
      if (sent === 'sent') response.end();
      if (sent === 'changed') {
        exchange.why = 'it changed while it was being sent';
        this.#warn(file, 'changed while it was being sent');
        response.destroy();
      }
    } finally {
      await closeHandle(opened.handle, opened.path);
    }
  }

  /** Of each file once. */
  #warn(file: ManifestFile | undefined, why: string): void {
    const key = `${file?.name ?? ''} ${why}`;
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    const message = file === undefined ? why : `${file.name} is not served: it ${why}`;
    this.#context.onEvent({ event: 'warning', code: 'disk', file: file?.name, message });
  }
}

/** Of a request, as it was sent. */
interface RequestSeen extends Omit<RequestEvent, 'event' | 'method' | 'path'> {
  readonly method: string | undefined;
  readonly path: string | undefined;
}

type Headers = Readonly<Record<string, string | number>>;

const ALLOW: Headers = { allow: 'GET, HEAD' };
const BUSY: Headers = { 'retry-after': RETRY_AFTER_S, connection: 'close' };
const NO_SNIFFING: Headers = { 'x-content-type-options': 'nosniff' };
const PAGE_POLICY: Headers = {
  'cache-control': 'no-cache',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
};

function sendText(exchange: Exchange, status: number, text: string, headers: Headers = {}): void {
  const type = { 'content-type': 'text/plain; charset=utf-8' };
  send(exchange, status, `${status}: ${text}\n`, { ...type, ...headers });
}

function send(exchange: Exchange, status: number, text: string, headers: Headers): void {
  const { response, request } = exchange;
  const body = Buffer.from(text);
  response.writeHead(status, { 'content-length': body.length, ...headers, ...NO_SNIFFING });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  exchange.bytes = body.length;
  response.end(body);
}

/** Waits for the end of an answer; false: it broke off. */
async function isFinished(response: ServerResponse, end: AbortSignal): Promise<boolean> {
  try {
    await finished(response, { signal: end });
    return true;
  } catch {
    return false;
  }
}

/** An IPv4 address as such, also where the socket is one of IPv6. */
export function clientOf(address: string | undefined): string {
  return toPrintable((address ?? '-').replace(/^::ffff:(?=\d+\.)/, ''), 60);
}
