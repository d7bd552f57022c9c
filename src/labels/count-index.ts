import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { throwIfAborted } from '../abort.ts';
import { errnoOf } from '../errors.ts';
import { LABEL_COLUMNS } from './label-names.ts';
import { ROW_END, isIndexHeader } from './write.ts';

/** What an index.csv has of a subset. */
export interface IndexCounts {
  /** Its rows of which a label is known. */
  readonly images: number;
  /** Images with each label that any has, the most frequent first. */
  readonly labels: readonly { readonly label: string; readonly images: number }[];
}

const COLUMNS = [...LABEL_COLUMNS, 'COVID-19'];

/** The archive, from the path, and the cells of the labels, which are never quoted. */
const ROW = new RegExp(`^"?images/([^/]+)/.*?((?:,[01]?){${COLUMNS.length}})${ROW_END}`);

/**
 * Counts the labels in an index.csv, a row at a time.
 * @param subsetsOf the subsets of an archive, by the name of its folder
 * @returns by subset; nothing where there is no index that can be read
 */
export async function countIndex(
  index: string,
  subsetsOf: (stem: string) => readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, IndexCounts>> {
  const tallies = new Map<string, Tally>();
  const input = createReadStream(index);
  try {
    let isHeader = true;
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      throwIfAborted(signal);
      if (isHeader && !isIndexHeader(line)) return new Map();
      isHeader = false;
      const [, stem = '', cells = ''] = ROW.exec(line) ?? [];
      if (!/[01]/.test(cells)) continue;
      for (const subset of subsetsOf(stem)) {
        const tally = tallies.get(subset) ?? new Tally();
        tallies.set(subset, tally.add(cells));
      }
    }
  } catch (error) {
    // The counts are an extra: without the index there are none.
    if (errnoOf(error) === undefined) throw error;
    return new Map();
  } finally {
    input.destroy();
  }
  return new Map([...tallies].map(([subset, tally]) => [subset, tally.counts()]));
}

class Tally {
  #images = 0;
  readonly #labels = COLUMNS.map(() => 0);

  /** @param cells each behind its comma */
  add(cells: string): this {
    this.#images += 1;
    for (const [at, cell] of cells.slice(1).split(',').entries()) {
      if (cell === '1') this.#labels[at] = (this.#labels[at] ?? 0) + 1;
    }
    return this;
  }

  counts(): IndexCounts {
    const labels = COLUMNS.map((label, at) => ({ label, images: this.#labels[at] ?? 0 }))
      .filter(({ images }) => images > 0)
      .sort((a, b) => b.images - a.images);
    return { images: this.#images, labels };
  }
}
