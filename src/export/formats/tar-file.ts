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
  /** By the content as the stream hands it on, until the sink is done with it. */
  readonly #pending = new Map<Uint8Array, () => void>();

  /** @param sink takes the file's bytes in order, a few pieces at a time */
  constructor(sink: Sink) {
    this.#written = writeAll(this.#pack, async (pieces) => {
      await sink(pieces);
      this.#noteTaken(pieces);
    });
    // Whoever adds the next member is told.
    this.#written.catch(() => undefined);
  }

  /**
   * @param onTaken is called when the sink is done with the content, whose memory is its owner's again
   * @throws what the sink threw
   */
  async add(
    name: string,
    content: Uint8Array,
    onTaken: () => void = () => undefined,
  ): Promise<void> {
    const { buffer, byteOffset, byteLength } = content;
    const header = { name, size: byteLength, mtime: MTIME };
    const body = Buffer.from(buffer, byteOffset, byteLength);
    this.#pending.set(body, onTaken);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#pack.entry(header, body, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
    } catch (error) {
      await this.#written;
      throw error;
    }
  }

  #noteTaken(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      this.#pending.get(piece)?.();
      this.#pending.delete(piece);
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
