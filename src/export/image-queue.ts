import type { ExportImage, ImageQueue } from './types.ts';

/** Images that are read ahead: Node's own pool has four threads, and an image is a few 100 KB. */
const AHEAD = 8;

/** The images of one split. Where their bytes are needed, the next few are being read meanwhile. */
export class AheadQueue implements ImageQueue {
  readonly #images: AsyncIterator<ExportImage>;
  readonly #ahead: number;
  readonly #waiting: ExportImage[] = [];
  #isOver = false;
  #taken = 0;

  constructor(images: AsyncIterable<ExportImage>, readsAhead: boolean) {
    this.#images = images[Symbol.asyncIterator]();
    this.#ahead = readsAhead ? AHEAD : 0;
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
    await this.#fill(1 + this.#ahead);
    const image = this.#waiting.shift();
    if (image !== undefined) this.#taken += 1;
    return image;
  }

  /** Ends the reads that are under way. */
  async close(): Promise<void> {
    await this.#images.return?.();
  }

  async #fill(length: number): Promise<void> {
    while (!this.#isOver && this.#waiting.length < length) {
      const next = await this.#images.next();
      if (next.done === true) this.#isOver = true;
      else this.#waiting.push(this.#ahead > 0 ? begun(next.value) : next.value);
    }
  }
}

function begun(image: ExportImage): ExportImage {
  const content = image.read();
  // Whoever takes the image is told.
  content.catch(() => undefined);
  return { ...image, read: () => content };
}
