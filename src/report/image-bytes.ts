import type { MembersRecord } from '../dataset/ledger.ts';
import type { IndexRow } from '../labels/join.ts';
import { placeOf } from '../labels/join.ts';

/** How large the files of some images are. */
interface BytesOfImages {
  /** Images whose size is known: those that the ledger or their archive has. */
  readonly images: number;
  readonly bytes: number;
  readonly smallest: number;
  /** To 1 KB. */
  readonly median: number;
  readonly largest: number;
}

/** Sizes of image files, counted by KB: memory does not grow with the number of images. */
class Sizes {
  readonly #byKilobyte = new Map<number, number>();
  #images = 0;
  #bytes = 0;
  #smallest = Infinity;
  #largest = 0;

  add(bytes: number): void {
    this.#images += 1;
    this.#bytes += bytes;
    this.#smallest = Math.min(this.#smallest, bytes);
    this.#largest = Math.max(this.#largest, bytes);
    const kilobyte = Math.floor(bytes / 1000);
    this.#byKilobyte.set(kilobyte, (this.#byKilobyte.get(kilobyte) ?? 0) + 1);
  }

  finish(): BytesOfImages {
    return {
      images: this.#images,
      bytes: this.#bytes,
      smallest: this.#images === 0 ? 0 : this.#smallest,
      median: this.#median(),
      largest: this.#largest,
    };
  }

  /** At most `most` steps of one width, a round number of KB, from 0 on. */
  steps(
    most: number,
  ): readonly { readonly fromKb: number; readonly toKb: number; readonly images: number }[] {
    const width = roundUp((Math.floor(this.#largest / 1000) + 1) / most);
    const counts: number[] = [];
    for (const [kilobyte, images] of this.#byKilobyte) {
      const at = Math.floor(kilobyte / width);
      counts[at] = (counts[at] ?? 0) + images;
    }
    return Array.from(counts, (images: number | undefined, at) => {
      return { fromKb: at * width, toKb: (at + 1) * width, images: images ?? 0 };
    });
  }

  #median(): number {
    let rest = this.#images / 2;
    for (const [kilobyte, images] of [...this.#byKilobyte].sort(([a], [b]) => a - b)) {
      rest -= images;
      const middle = kilobyte * 1000 + 500;
      if (rest <= 0) return Math.min(this.#largest, Math.max(this.#smallest, middle));
    }
    return 0;
  }
}

/** The next of 1, 2, 5, 10, 20, 50, … */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  const step = [1, 2, 5, 10].find((each) => each * power >= value) ?? 10;
  return step * power;
}

/** Follows the rows of an index. Pure. */
export class ImageBytes {
  readonly all = new Sizes();
  readonly bySubset = new Map<string, Sizes>();

  add(rows: readonly IndexRow[], record: MembersRecord | undefined): void {
    const known = new Map(record?.members.map(({ path, bytes }) => [path, bytes]));
    for (const row of rows) {
      const place = placeOf(row);
      const bytes = known.get(place.slice(place.indexOf('/') + 1));
      if (bytes === undefined) continue;
      this.all.add(bytes);
      const ofSubset = this.bySubset.get(row.subset) ?? new Sizes();
      this.bySubset.set(row.subset, ofSubset);
      ofSubset.add(bytes);
    }
  }
}
