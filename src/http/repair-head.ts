import { Transform, type TransformCallback } from 'node:stream';
import { ChunkRepair } from './repair-chunks.ts';

/** A head may be this long: curl and browsers take as much and more, undici by itself 16 KiB. */
export const MAX_HEAD_BYTES = 64 * 1024;

/**
 * Puts right what no parser takes and every browser does, in the head of each response of a connection;
 * and the lines between the chunks of its body. Other bodies pass unchanged.
 */
export class HeadRepair extends Transform {
  #pending = Buffer.alloc(0);
  #isBody = false;
  #chunks: ChunkRepair | undefined;

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    if (this.#isBody) {
      this.#pushBody(chunk);
      done();
      return;
    }
    // Only in what is new, and the three bytes before it: the end of the head may be cut anywhere.
    const from = Math.max(0, this.#pending.length - 3);
    this.#pending = Buffer.concat([this.#pending, chunk]);
    const mayEnd = HEAD_END.test(this.#pending.toString('latin1', from));
    if (mayEnd || this.#pending.length >= MAX_HEAD_BYTES) this.#pushHeads();
    done();
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#pending);
  }

  #pushHeads(): void {
    while (!this.#isBody) {
      const text = this.#pending.toString('latin1');
      const end = HEAD_END.exec(text);
      if (end === null && text.length < MAX_HEAD_BYTES) return;
      const head = end === null ? '' : text.slice(0, end.index);
      const repaired = repairHead(head);
      if (end !== null) this.push(`${repaired}\r\n\r\n`, 'latin1');
      this.#chunks = IS_CHUNKED.test(repaired) ? new ChunkRepair() : undefined;
      // 1xx announces another head.
      this.#isBody = !/^\s*HTTP\/\S+ +1\d\d\b/.test(head);
      this.#pending = this.#pending.subarray(end === null ? 0 : end.index + end[0].length);
    }
    const body = this.#pending;
    this.#pending = Buffer.alloc(0);
    this.#pushBody(body);
  }

  #pushBody(bytes: Buffer): void {
    if (this.#chunks === undefined) this.push(bytes);
    else for (const piece of this.#chunks.repair(bytes)) this.push(piece);
  }
}

const HEAD_END = /\r?\n\r?\n/;
const IS_CHUNKED = /\r\ntransfer-encoding:[^\r]*\bchunked\b/i;

const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:(.*)$/s;

/**
 * The head of a response, its status line and fields a line each, without what makes parsers refuse it
 * although it means one thing only. Pure.
 */
export function repairHead(head: string): string {
  // Continued lines are one (RFC 9112, 5.2); a line without a name is none.
  const [status = '', ...lines] = head
    .trimStart()
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/);
  const fields = lines.flatMap((line) => {
    const [, name, value = ''] = FIELD.exec(line) ?? [];
    // An identity is no coding (RFC 7230, appendix A), but parsers wait for the end of the connection.
    const isNone = /^transfer-encoding$/i.test(name ?? '') && /^\s*identity\s*$/i.test(value);
    return name === undefined || isNone ? [] : [{ name, value: value.trim() }];
  });
  const valuesOf = (wanted: string) =>
    fields.filter(({ name }) => name.toLowerCase() === wanted).map(({ value }) => value);
  const isChunked = /\bchunked\b/i.test(valuesOf('transfer-encoding').join());
  const lengths = new Set(valuesOf('content-length').flatMap((text) => text.split(/ *, */)));
  const [length = ''] = lengths;
  // Chunks count more than a length (6.3), and the same length several times is one (RFC 9110, 8.6).
  const isOdd = lengths.size > 0 && (isChunked || lengths.size === 1);
  const kept = isOdd ? fields.filter(({ name }) => !/^content-length$/i.test(name)) : fields;
  const own = isOdd && !isChunked ? [`Content-Length: ${length}`] : [];
  return [status, ...kept.map(({ name, value }) => `${name}: ${value}`), ...own].join('\r\n');
}
