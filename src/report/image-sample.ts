import { isPicture } from '../fs/image-content.ts';
import type { ArchiveRows } from '../labels/build-index.ts';
import { type IndexRow, placeOf } from '../labels/join.ts';
import { seededRank } from '../labels/seeded-rank.ts';
import { SPLIT_LABELS, type SplitLabel, splitBitsOf } from '../labels/split-labels.ts';

/** An image that was picked. */
export interface PickedImage {
  readonly row: IndexRow;
  readonly found: Pick<ArchiveRows, 'archive' | 'record'>;
}

/** The images with a label that were picked. */
export interface PickedOfLabel {
  readonly label: SplitLabel;
  readonly images: readonly PickedImage[];
}

interface Ranked extends PickedImage {
  readonly rank: number;
}

/** The patients of the lowest ranks, an image each. */
class Lowest {
  readonly #most: number;
  readonly #kept: Ranked[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  add(picked: Ranked): void {
    const last = this.#kept.at(-1);
    const isFull = this.#kept.length >= this.#most;
    if (this.#most === 0 || (isFull && last !== undefined && picked.rank >= last.rank)) return;
    // Images of one patient look alike: the first is enough.
    if (this.#kept.some(({ rank }) => rank === picked.rank)) return;
    if (isFull) this.#kept.pop();
    const at = this.#kept.findIndex(({ rank }) => rank > picked.rank);
    this.#kept.splice(at === -1 ? this.#kept.length : at, 0, picked);
  }

  get images(): readonly PickedImage[] {
    return this.#kept;
  }
}

/**
 * Picks some images of each label, and some of all, each of another patient: the same on every machine, and
 * as good as by chance. Pure.
 */
export class ImageSample {
  readonly #byLabel: readonly Lowest[];
  readonly #ofAll: Lowest;

  constructor(perLabel: number, ofAll: number) {
    this.#byLabel = SPLIT_LABELS.map(() => new Lowest(perLabel));
    this.#ofAll = new Lowest(ofAll);
  }

  add({ archive, rows, record }: ArchiveRows): void {
    const found = { archive, record };
    const broken = new Set(archive.broken.map(({ path }) => `${archive.stem}/${path}`));
    for (const row of rows) {
      if (!isPicture(row.image) || broken.has(placeOf(row))) continue;
      const rank = seededRank('report', row.patientId === '' ? row.image : row.patientId);
      const picked = { row, found, rank };
      this.#ofAll.add(picked);
      const { has } = splitBitsOf(row);
      for (const [bit, lowest] of this.#byLabel.entries()) {
        if ((has & (1 << bit)) !== 0) lowest.add(picked);
      }
    }
  }

  get byLabel(): readonly PickedOfLabel[] {
    return SPLIT_LABELS.flatMap((label, bit) => {
      const images = this.#byLabel[bit]?.images ?? [];
      return images.length === 0 ? [] : [{ label, images }];
    });
  }

  get ofAll(): readonly PickedImage[] {
    return this.#ofAll.images;
  }
}
