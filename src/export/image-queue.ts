import type { SourceImage } from './read-images.ts';
import type { ExportImage, Exporter, ImageQueue } from './types.ts';

/** Images that are read ahead: Node's own pool has four threads, and an image is a few 100 KB. */
const AHEAD = 8;

/** The images of one split. Where their bytes are needed, the next few are being read meanwhile. */
export class AheadQueue implements ImageQueue {
  readonly #images: AsyncGenerator<SourceImage, void, void>;
  readonly #exporter: Pick<Exporter, 'readsAhead' | 'linksFiles'>;
  readonly #noteLeftOut: (image: SourceImage, why: string) => void;
  readonly #waiting: ExportImage[] = [];
  #isOver = false;
  #taken = 0;

  /** @param noteLeftOut is told of an image that can't be read, when the exporter meets it */
  constructor(
    images: AsyncGenerator<SourceImage, void, void>,
    exporter: Pick<Exporter, 'readsAhead' | 'linksFiles'>,
    noteLeftOut: (image: SourceImage, why: string) => void,
  ) {
    this.#images = images;
    this.#exporter = exporter;
    this.#noteLeftOut = noteLeftOut;
  }

  /** Images that were taken. */
  get taken(): number {
    return this.#taken;
  }

  async isEmpty(): Promise<boolean> {
    await this.#fill(1);
    return this.#waiting.length === 0;
  }

  async next(): Promise<ExportImage | undefined> {
    await this.#fill(1 + (this.#exporter.readsAhead ? AHEAD : 0));
    const image = this.#waiting.shift();
    if (image !== undefined) this.#taken += 1;
    return image;
  }

  /** Ends the reads that are under way. */
  async close(): Promise<void> {
    await this.#images.return();
  }

  async #fill(length: number): Promise<void> {
    while (!this.#isOver && this.#waiting.length < length) {
      const next = await this.#images.next();
      if (next.done === true) this.#isOver = true;
      else this.#waiting.push(this.#toImage(next.value));
    }
  }

  #toImage(image: SourceImage): ExportImage {
    const { row, split, ending, file, giveBack } = image;
    const { readsAhead, linksFiles = false } = this.#exporter;
    const isAhead = readsAhead && !(linksFiles && file !== undefined);
    const begun = isAhead ? image.load() : undefined;
    // Whoever takes the image is told.
    begun?.catch(() => undefined);
    const read = async () => {
      const content = await (begun ?? image.load());
      if (typeof content !== 'string') return content;
      this.#noteLeftOut(image, content);
      return undefined;
    };
    return { row, split, ending, file, read, giveBack };
  }
}
