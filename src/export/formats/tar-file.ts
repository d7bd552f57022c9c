import { type Pack, pack } from 'tar-stream';

type Sink = (pieces: readonly Uint8Array[]) => Promise<void>;

/** The same on every machine and day: a member is its name and its bytes. */
const MTIME = new Date(0);
/** A member comes in four pieces and more, most of them small: each write has its price. */
const WRITE_BYTES = 1024 * 1024;

/** A tar file that is written member by member. */
export class TarFile {
  readonly #pack: Pack = pack();
  readonly #written: Promise<void>;

  /** @param sink takes the file's bytes in order, a few pieces at a time */
  constructor(sink: Sink) {
    this.#written = writeAll(this.#pack, sink);
    // Whoever adds the next member is told.
    this.#written.catch(() => undefined);
  }

  /** @throws what the sink threw */
  async add(name: string, content: Uint8Array): Promise<void> {
    const { buffer, byteOffset, byteLength } = content;
    const header = { name, size: byteLength, mtime: MTIME };
    try {
      await new Promise<void>((resolve, reject) => {
        this.#pack.entry(header, Buffer.from(buffer, byteOffset, byteLength), (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
    } catch (error) {
      await this.#written;
      throw error;
    }
  }

  /** @throws what the sink threw */
  async finish(): Promise<void> {
    this.#pack.finalize();
    await this.#written;
  }
}

async function writeAll(stream: AsyncIterable<unknown>, sink: Sink): Promise<void> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    if (!(piece instanceof Uint8Array)) continue;
    pieces.push(piece);
    bytes += piece.length;
    if (bytes < WRITE_BYTES) continue;
    await sink(pieces);
    pieces = [];
    bytes = 0;
  }
  if (bytes > 0) await sink(pieces);
}
