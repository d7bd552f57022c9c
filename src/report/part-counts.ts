import { join } from 'node:path';
import type { DatasetLayout } from '../dataset/layout.ts';
import { isCcxriError } from '../errors.ts';
import { listOrEmpty } from '../fs/paths.ts';
import { type IndexRow, compareArchives } from '../labels/join.ts';
import { SplitBalance, type SplitPart } from '../labels/split-balance.ts';
import { readSplit } from '../labels/split-file.ts';
import { splitBitsOf } from '../labels/split-labels.ts';

/** Parts of the images that are here: of a split, or the subsets. */
export interface PartCounts {
  readonly parts: readonly SplitPart[];
  /** Images that are here and in none of them. */
  readonly inNone: number;
  /** Patients with images in two of them or more: they are counted in the first. */
  readonly inTwo: number;
}

/** Counts the images and patients of parts. Pure. */
export class PartCounter {
  readonly #partOf: (row: IndexRow) => string | undefined;
  readonly #balance: SplitBalance;
  readonly #patients = new Map<string, { part: string; has: number; known: number }>();
  readonly #inTwo = new Set<string>();
  #inNone = 0;

  constructor(parts: Iterable<string>, partOf: (row: IndexRow) => string | undefined) {
    this.#partOf = partOf;
    this.#balance = new SplitBalance(new Map([...new Set(parts)].map((part) => [part, null])));
  }

  add(rows: readonly IndexRow[]): void {
    for (const row of rows) {
      const part = this.#partOf(row);
      if (part === undefined) this.#inNone += 1;
      else this.#addImage(row, part);
    }
  }

  finish(): PartCounts {
    for (const { part, ...bits } of this.#patients.values()) this.#balance.addPatient(part, bits);
    const parts = this.#balance.finish().filter(({ images }) => images > 0);
    return { parts, inNone: this.#inNone, inTwo: this.#inTwo.size };
  }

  #addImage(row: IndexRow, part: string): void {
    const bits = splitBitsOf(row);
    this.#balance.addImage(part, bits);
    // An image whose name has no patient is one of its own.
    const id = row.patientId === '' ? row.image : row.patientId;
    const patient = this.#patients.get(id) ?? { part, has: 0, known: 0 };
    if (patient.part !== part) this.#inTwo.add(id);
    patient.has |= bits.has;
    patient.known |= bits.known;
    this.#patients.set(id, patient);
  }
}

const USUAL = ['train', 'val', 'validation', 'test'];

/** The usual names in their usual order, others behind them: fold2 before fold10. */
function orderOf(part: string): number {
  const at = USUAL.indexOf(part);
  return at === -1 ? USUAL.length : at;
}

/** A split of the dataset directory. */
interface SplitHere {
  readonly name: string;
  readonly counter: PartCounter;
}

/**
 * Reads every split in splits/.
 * @returns also the tables there that are none
 * @throws CcxriError of the disk; `aborted`
 */
export async function readSplits({ root }: DatasetLayout, signal: AbortSignal | undefined) {
  const directory = join(root, 'splits');
  const names = (await listOrEmpty(directory)).map(({ name }) => name);
  const splits: SplitHere[] = [];
  const notSplits: string[] = [];
  for (const name of names.filter((each) => each.endsWith('.csv')).sort()) {
    try {
      const parts = await readSplit(join(directory, name), signal);
      if (parts === undefined) continue;
      const inOrder = [...new Set(parts.values())].sort(
        (a, b) => orderOf(a) - orderOf(b) || compareArchives(a, b),
      );
      const counter = new PartCounter(inOrder, ({ path }) => parts.get(path));
      splits.push({ name: name.slice(0, -'.csv'.length), counter });
    } catch (error) {
      if (!isCcxriError(error) || error.code !== 'occupied') throw error;
      notSplits.push(name);
    }
  }
  return { splits, notSplits };
}
