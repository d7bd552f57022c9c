import type { Remark, RemarkKind } from '../labels/remarks.ts';
import { type LabelTables, groupOf } from '../labels/join.ts';

/** The images that the directory of an archive lists. */
export interface ListedArchive {
  readonly stem: string;
  readonly subsets: readonly string[];
  /** By `toImageKey`. */
  readonly images: ReadonlySet<string>;
}

/** What of one archive and its label file does not agree. */
export interface Disagreement {
  readonly stem: string;
  /** The label file. */
  readonly file: string;
  readonly imagesWithoutRow: readonly string[];
  readonly rowsWithoutImage: readonly string[];
}

/**
 * Compares a directory with the label file that has rows for the archive. A label file that names no
 * archives says of none that an image is missing. Pure.
 * @returns undefined: no label file that is here has rows for it
 */
export function compareWithLabels(
  { stem, subsets, images }: ListedArchive,
  { chest, covid }: LabelTables,
): Disagreement | undefined {
  const group = groupOf(subsets);
  const [table] = chest;
  if (group === null && table !== undefined) {
    const rows = new Set(
      chest.flatMap(({ byArchive }) => [...(byArchive.get(stem)?.keys() ?? [])]),
    );
    return {
      ...{ stem, file: table.file },
      imagesWithoutRow: [...images].filter((image) => !rows.has(image)),
      rowsWithoutImage: [...rows].filter((image) => !images.has(image)),
    };
  }
  const [tags] = covid;
  if (group !== 'Viral' || tags === undefined) return undefined;
  const isTagged = (image: string) => covid.some(({ byImage }) => byImage.has(image));
  const imagesWithoutRow = [...images].filter((image) => !isTagged(image));
  return { stem, file: tags.file, imagesWithoutRow, rowsWithoutImage: [] };
}

const EXAMPLES = 5;

/** All disagreements as remarks, one a kind and label file. Pure. */
export function remarksOn(disagreements: readonly Disagreement[]): readonly Remark[] {
  const files = [...new Set(disagreements.map(({ file }) => file))];
  return files.flatMap((file) => {
    const own = disagreements.filter((each) => each.file === file);
    const remark = (kind: RemarkKind, of: (each: Disagreement) => readonly string[]) => {
      const places = own.flatMap((each) => of(each).map((image) => `${each.stem}/${image}`));
      if (places.length === 0) return [];
      const examples = places.slice(0, EXAMPLES);
      return [{ kind, file, count: places.length, examples, strict: true }];
    };
    return [
      ...remark('image-without-row', ({ imagesWithoutRow }) => imagesWithoutRow),
      ...remark('row-without-image', ({ rowsWithoutImage }) => rowsWithoutImage),
    ];
  });
}
