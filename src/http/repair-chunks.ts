/** A size of more digits is none of a body that anybody downloads. */
const MAX_SIZE_LINE = 4096;
const SIZE = /^0*([0-9a-f]{1,12})\s*(?:;.*)?$/is;

/**
 * Rewrites the lines between the chunks of a body (RFC 9112, 7.1) as parsers want them: ended by CR and LF,
 * without anything but the size. Servers that end them by LF alone are read so by curl and browsers.
 */
export class ChunkRepair {
  #state: 'size' | 'data' | 'end' | 'rest' = 'size';
  #line = '';
  /** Of the chunk, not seen yet. */
  #leftBytes = 0;

  /** What stands for these bytes, in pieces; views of them where they are data. */
  *repair(bytes: Buffer): Generator<Buffer, void, undefined> {
    for (let at = 0; at < bytes.length;) {
      if (this.#state === 'rest') {
        yield bytes.subarray(at);
        return;
      }
      if (this.#state === 'data') {
        const data = bytes.subarray(at, at + this.#leftBytes);
        at += data.length;
        this.#leftBytes -= data.length;
        if (this.#leftBytes === 0) this.#state = 'end';
        yield data;
        continue;
      }
      const lineEnd = bytes.indexOf('\n', at);
      const next = lineEnd < 0 ? bytes.length : lineEnd + 1;
      this.#line += bytes.toString('latin1', at, next);
      at = next;
      if (lineEnd >= 0 || this.#line.length > MAX_SIZE_LINE) yield this.#endLine();
    }
  }

  #endLine(): Buffer {
    const line = this.#line;
    this.#line = '';
    const text = line.trim();
    if (this.#state === 'end' && text === '') {
      this.#state = 'size';
      return Buffer.from('\r\n');
    }
    const size = this.#state === 'size' ? SIZE.exec(text)?.[1] : undefined;
    if (size === undefined || Number.parseInt(size, 16) === 0) {
      // The last chunk with what follows it, or no chunk: that is the parser's to judge.
      this.#state = 'rest';
      return Buffer.from(size === undefined ? line : '0\r\n', 'latin1');
    }
    this.#leftBytes = Number.parseInt(size, 16);
    this.#state = 'data';
    return Buffer.from(`${size}\r\n`);
  }
}
