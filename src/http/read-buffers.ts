import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/** A read takes what has come, up to so much: one of 512 KiB costs far less than eight of 64. */
const READ_BYTES = 512 * 1024;

type Build = typeof buildConnector;

/**
 * Connections that read into one buffer each, again and again. Node has a new buffer for each read:
 * at hundreds of megabytes a second, collecting these takes a fifth of the processor's time. Under
 * TLS it has no such choice.
 */
export class ReadBuffers {
  /** By the buffer that they read into. */
  readonly #readers = new WeakMap<ArrayBufferLike, SocketReader>();

  /**
   * As undici's own connector, which it makes use of.
   * @param build undici's
   * @param options as undici takes them under `connect`
   */
  connector(build: Build, options: buildConnector.BuildOptions): buildConnector.connector {
    const usual = build(options);
    return (to, callback) => {
      if (to.protocol !== 'http:') {
        usual(to, callback);
        return;
      }
      const reader = new SocketReader(this.#readers);
      // What undici's types do not tell: all of it is handed on to net.connect.
      const own = { ...options, onread: reader.onread, highWaterMark: READ_BYTES };
      build(own)(to, (...[error, socket]) => {
        if (error !== null) {
          callback(error, null);
          return;
        }
        reader.attach(socket);
        callback(null, socket);
      });
    };
  }

  /**
   * Some bytes of a body were handed out: whoever got them has copied them.
   * @param isPaused no more are wanted as yet
   */
  copied({ buffer, byteOffset, length }: Buffer, isPaused: boolean): void {
    this.#readers.get(buffer)?.copied(byteOffset + length, isPaused);
  }
}

class SocketReader {
  readonly #readers: WeakMap<ArrayBufferLike, SocketReader>;
  #buffer: Buffer;
  #socket: Socket | undefined;
  #copiedTo = 0;
  #isPaused = false;

  constructor(readers: WeakMap<ArrayBufferLike, SocketReader>) {
    this.#readers = readers;
    this.#buffer = this.#newBuffer();
  }

  /** For `net.connect`. */
  readonly onread = {
    buffer: () => this.#buffer,
    callback: (bytes: number) => this.#take(bytes),
  };

  attach(socket: Socket): void {
    this.#socket = socket;
  }

  copied(end: number, isPaused: boolean): void {
    this.#copiedTo = end;
    this.#isPaused = isPaused;
  }

  /**
   * Has the parser take what was read, now: then the next read may use the same buffer. Not so where
   * something of it is still needed: bytes that the parser has not taken, for it rests; or that end
   * in the middle of a header, which it has not copied. Where the last byte was one of a body, there
   * is no such header.
   * @returns false: nothing more is to be read as yet
   */
  #take(bytes: number): boolean {
    const socket = this.#socket;
    if (socket === undefined) return false;
    this.#copiedTo = 0;
    this.#isPaused = false;
    socket.push(this.#buffer.subarray(0, bytes));
    socket.emit('readable');
    const isTaken = socket.readableLength === 0;
    if (!isTaken || this.#copiedTo !== bytes) this.#buffer = this.#newBuffer();
    // The parser asks for more when it goes on.
    return isTaken && !this.#isPaused;
  }

  #newBuffer(): Buffer {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    this.#readers.set(buffer.buffer, this);
    return buffer;
  }
}
