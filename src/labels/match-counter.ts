import { ExampleCounter, type Examples } from './label-names.ts';
import {
  type ChestLabels,
  type CovidLabels,
  type IndexRow,
  type LabelFacts,
  type LabelTables,
  placeOf,
} from './join.ts';

/** A label file that has a row for none of the images that it should have. */
interface Mismatch {
  readonly file: string;
  readonly images: Examples;
  readonly rowExamples: readonly string[];
}

/** Rows of a label file that are shown beside the images that they do not match. */
const MOST_ROWS = 3;

/**
 * Counts which label files match none of the images that they should have: a file with other names
 * gives an index without labels, and nobody would notice. No I/O.
 */
export class MatchCounter {
  readonly #tables: readonly (ChestLabels | CovidLabels)[];
  /** Images without a row, by label file. */
  readonly #unmatched = new Map<string, ExampleCounter>();
  readonly #matched = new Set<string>();

  constructor({ chest, covid }: LabelTables) {
    this.#tables = [...chest, ...covid];
  }

  /** @param due label files that should have a row for each of these images */
  add(due: readonly LabelFacts[], rows: readonly IndexRow[]): void {
    for (const { file, form, present } of due) {
      if (!present) continue;
      const unmatched = this.#unmatched.get(file) ?? new ExampleCounter();
      this.#unmatched.set(file, unmatched);
      for (const row of rows) {
        if ((form === 'chest' ? row.labels : row.covid) !== null) this.#matched.add(file);
        else unmatched.add(placeOf(row));
      }
    }
  }

  /**
   * @param here stems of the archives that are here
   * @param known stems of all archives of the manifest
   */
  finish(here: ReadonlySet<string>, known: ReadonlySet<string>): readonly Mismatch[] {
    return this.#tables.flatMap((table): readonly Mismatch[] => {
      const { file } = table;
      const images = this.#unmatched.get(file)?.examples();
      if (images === undefined || images.count === 0 || this.#matched.has(file)) return [];
      const rowExamples = firstRows(table, here, known);
      return rowExamples.length === 0 ? [] : [{ file, images, rowExamples }];
    });
  }
}

/** Of archives that are here, or else that nobody knows. All rows of archives that were not fetched: none. */
function firstRows(
  table: ChestLabels | CovidLabels,
  here: ReadonlySet<string>,
  known: ReadonlySet<string>,
): readonly string[] {
  if (table.form === 'covid') return [...table.byImage.keys()].slice(0, MOST_ROWS);
  const stems = [...table.byArchive.keys()];
  const ofHere = stems.filter((stem) => here.has(stem));
  const shown = ofHere.length > 0 || stems.some((stem) => known.has(stem)) ? ofHere : stems;
  const rows = shown.flatMap((stem) =>
    [...(table.byArchive.get(stem)?.keys() ?? [])]
      .slice(0, MOST_ROWS)
      .map((image) => `${stem}/${image}`),
  );
  return rows.slice(0, MOST_ROWS);
}
