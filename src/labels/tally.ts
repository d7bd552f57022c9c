import type { ArchiveImages, ImageClass, IndexRow } from './join.ts';

/** What an index holds, in numbers. */
export interface IndexCounts {
  /** One an image. */
  readonly rows: number;
  /** Archives whose images are here, in the order of the index. */
  readonly archives: readonly { readonly archive: string; readonly images: number }[];
  /** Images of each class; `none`: ChestDx, ChestDx-PE, and viral images without a tag. */
  readonly classes: Readonly<Record<ImageClass | 'none', number>>;
  /** Images that have their findings from the labels. */
  readonly rowsWithFindings: number;
}

/** Counts a join while it goes by. */
export class IndexTally {
  #rows = 0;
  #rowsWithFindings = 0;
  readonly #archives: { readonly archive: string; readonly images: number }[] = [];
  readonly #classes = { Normal: 0, Viral: 0, 'COVID-19': 0, Other: 0, none: 0 };

  add(archive: ArchiveImages, rows: readonly IndexRow[]): void {
    this.#rows += rows.length;
    this.#archives.push({ archive: archive.stem, images: rows.length });
    for (const row of rows) {
      this.#classes[row.class ?? 'none'] += 1;
      if (row.findings !== null) this.#rowsWithFindings += 1;
    }
  }

  counts(): IndexCounts {
    return {
      rows: this.#rows,
      archives: [...this.#archives],
      classes: { ...this.#classes },
      rowsWithFindings: this.#rowsWithFindings,
    };
  }
}
