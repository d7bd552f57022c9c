import { type RawReply, type RawRequest, type RawScript } from './raw-server.ts';

/** An answer before it is written to the wire: an odd server changes some of it. */
export interface Answer {
  readonly status: number;
  /** In this order, without those of the framing. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  readonly framing: 'length' | 'chunked' | 'close';
  /** Of the body only so many bytes are sent, then the connection ends. */
  readonly cutAt?: number;
  /** How a connection ends that is cut, or that has no framing. Default: FIN. */
  readonly end?: 'fin' | 'reset' | 'hang';
  /** The connection is reset instead of an answer. */
  readonly isRefused?: boolean;
  /** Status line and headers as they are sent. */
  readonly render?: (head: string) => string | Uint8Array;
  /** How a chunk is framed. */
  readonly renderChunk?: (size: string) => string;
}

/** What an answer depends on. */
export interface Ask {
  readonly request: RawRequest;
  /** The file. */
  readonly bytes: Buffer;
  /** Requests before this one. */
  readonly index: number;
  /** Answers that are under way beside this one. */
  readonly busy: number;
  /** The bytes asked for, to before the second; undefined: all of them. */
  readonly range: readonly [from: number, to: number] | undefined;
  /** No end was named. */
  readonly isOpen: boolean;
}

export type Twist = (answer: Answer, ask: Ask) => Answer;

/** What an otherwise honest server says of its file. */
export interface Validators {
  /** undefined: none. By node, where there are several. */
  readonly etag?: (node: number, index: number) => string | undefined;
  readonly lastModified?: (node: number) => string | undefined;
  /** What it does about If-Range. Default `strict`: by the strong ETag, or the very date. */
  readonly ifRange?: 'strict' | 'weak' | 'refused' | 'ignored';
  /** Servers behind one address, in turns. */
  readonly nodes?: number;
}

export const ETAG = '"5fa1c-24"';
const MODIFIED = 'Sun, 21 Mar 2021 08:00:00 GMT';

function rangeOf(request: RawRequest, totalBytes: number): Ask['range'] {
  const asked = request.headers['range'] ?? '';
  const lastBytes = /^bytes=-(\d+)$/i.exec(asked)?.[1];
  if (lastBytes !== undefined) return [Math.max(0, totalBytes - Number(lastBytes)), totalBytes];
  const found = /^bytes=(\d+)-(\d*)$/i.exec(asked);
  if (found === null) return undefined;
  const [, from = '', last = ''] = found;
  return [Number(from), last === '' ? totalBytes : Math.min(totalBytes, Number(last) + 1)];
}

/** What an honest server answers, with these validators. */
function honestAnswer(ask: Ask, validators: Validators = {}): Answer {
  const { request, bytes, range } = ask;
  const node = ask.index % (validators.nodes ?? 1);
  const { etag: etagOf = () => ETAG, lastModified: modifiedOf = () => MODIFIED } = validators;
  const [etag, modified] = [etagOf(node, ask.index), modifiedOf(node)];
  const headers = {
    Date: new Date().toUTCString(),
    'Content-Type': 'application/zip',
    'Accept-Ranges': 'bytes',
    'Last-Modified': modified,
    ETag: etag,
  };
  const ifRange = request.headers['if-range'];
  const isSame = ifRange === undefined || matches(ifRange, { etag, modified }, validators);
  if (range === undefined || !isSame)
    return { status: 200, headers, body: bytes, framing: 'length' };
  const [from, to] = range;
  if (from >= bytes.length) {
    const unsatisfied = { ...headers, 'Content-Range': `bytes */${bytes.length}` };
    return { status: 416, headers: unsatisfied, body: Buffer.alloc(0), framing: 'length' };
  }
  const contentRange = `bytes ${from}-${to - 1}/${bytes.length}`;
  return {
    status: 206,
    headers: { ...headers, 'Content-Range': contentRange },
    body: bytes.subarray(from, to),
    framing: 'length',
  };
}

interface Said {
  readonly etag: string | undefined;
  readonly modified: string | undefined;
}

function matches(
  ifRange: string,
  { etag, modified }: Said,
  { ifRange: how = 'strict' }: Validators,
) {
  if (how === 'refused') return false;
  if (how === 'ignored') return true;
  if (ifRange === modified) return true;
  return ifRange === etag && (how === 'weak' || /^"/.test(ifRange));
}

/** A script for `useRawServers`, and what it has sent. */
export interface OddServer {
  readonly script: RawScript;
  /** Bytes of bodies. */
  readonly sentBytes: () => number;
}

export interface OddServerOptions {
  readonly bytes: Buffer;
  readonly validators?: Validators | undefined;
  readonly twists: readonly Twist[];
}

/** A server with one file, under any path, whose answers are changed by each twist in turn. */
export function oddServer({ bytes, validators, twists }: OddServerOptions): OddServer {
  let [sentBytes, index, busy] = [0, 0, 0];
  return {
    sentBytes: () => sentBytes,
    script: async (request, reply) => {
      const range = rangeOf(request, bytes.length);
      const isOpen = range !== undefined && /-$/.test(request.headers['range'] ?? '');
      const ask = { request, bytes, index, busy, range, isOpen };
      index += 1;
      busy += 1;
      const honest = honestAnswer(ask, validators);
      const answer = twists.reduce((so, twist) => twist(so, ask), honest);
      await sendAnswer(answer, reply, (count) => {
        sentBytes += count;
      });
      busy -= 1;
    },
  };
}

/** Small enough that a client in the same process reads each before the next is sent. */
const PIECE_BYTES = 64 * 1024;

async function sendAnswer(
  answer: Answer,
  reply: RawReply,
  onSent: (bytes: number) => void,
): Promise<void> {
  if (answer.isRefused === true) {
    reply.reset();
    return;
  }
  const head = headOf(answer);
  const body = answer.body.subarray(0, answer.cutAt ?? answer.body.length);
  await reply.send(answer.render?.(head) ?? head);
  for (let at = 0; at < body.length && !reply.isGone(); at += PIECE_BYTES) {
    const piece = body.subarray(at, at + PIECE_BYTES);
    const framed = answer.framing === 'chunked' ? toChunk(piece, answer) : piece;
    if (!(await reply.send(framed))) return;
    onSent(piece.length);
    await reply.wait(1);
  }
  if (answer.cutAt === undefined && answer.framing === 'chunked') {
    await reply.send(toChunk(Buffer.alloc(0), answer));
  }
  const isEnd =
    answer.cutAt !== undefined || answer.framing === 'close' || answer.end !== undefined;
  if (!isEnd) return;
  if (answer.end === 'reset') reply.reset();
  else if (answer.end === 'hang') await reply.hang();
  else reply.end();
}

function headOf(answer: Answer): string {
  const { status, headers, body, framing } = answer;
  const framed: Answer['headers'] = {
    ...(framing === 'length' ? { 'Content-Length': String(body.length) } : {}),
    ...(framing === 'chunked' ? { 'Transfer-Encoding': 'chunked' } : {}),
    ...(framing === 'close' ? { Connection: 'close' } : {}),
    ...headers,
  };
  const lines = Object.entries(framed).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  return `HTTP/1.1 ${status} Whatever\r\n${lines.join('')}\r\n`;
}

function toChunk(piece: Uint8Array, { renderChunk = (size) => `${size}\r\n` }: Answer): Buffer {
  return Buffer.concat([
    Buffer.from(renderChunk(piece.length.toString(16))),
    piece,
    Buffer.from('\r\n'),
  ]);
}
