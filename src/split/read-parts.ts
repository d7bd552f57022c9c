import { parse } from 'node:path';
import { imageReader } from '../labels/image-list.ts';
import { isImageName } from '../labels/join.ts';
import { foldColumn } from '../labels/label-names.ts';
import {
  type Entry,
  type TextTable,
  nameOf,
  readEntries,
  wrongTable,
} from '../labels/text-table.ts';
import { type Manifest, stemOf, subsetNames } from '../manifest/manifest.ts';
import { count, toPrintable } from '../text.ts';

/** Images as `imageReader` names them, each with the parts that it is in. */
export type PartsOfImages = ReadonlyMap<string, ReadonlySet<string>>;

/** Columns that say the part, the first of them that a table has. */
const PART_COLUMNS = ['split', 'fold', 'part', 'partition', 'set', 'subset'];
const IMAGE_COLUMNS = ['path', 'image', 'imagepath', 'imagename', 'filename', 'file'];

/** No split has more: it is a column of something else. */
const MOST_PARTS = 1000;
/** Lines that show which column has the images. */
const LOOKED_AT = 100;

/**
 * Reads a split that was made elsewhere: tables with a column of parts, or a list for each part, called as
 * its file.
 * @throws CcxriError `usage`; of the disk
 */
export async function readParts(
  paths: readonly string[],
  manifest: Manifest,
): Promise<PartsOfImages> {
  const toImage = imageReader(manifest.files.map(({ name }) => stemOf(name)));
  const subsets = new Set(subsetNames(manifest).map(foldColumn));
  const images = new Map<string, Set<string>>();
  const parts = new Set<string>();
  for (const path of new Set(paths)) {
    const table = tableOf(path);
    const entries = await readEntries(table);
    const columns = columnsOf(entries, table, subsets);
    const name = partOfFile(path, paths);
    for (const entry of entries.slice(columns.first)) {
      const image = toImage(nameOf(entry, columns.image, table));
      const part = columns.part === undefined ? name : (entry.cells[columns.part] ?? '');
      if (part === '') continue;
      const before = images.get(image);
      if (before === undefined) images.set(image, new Set([part]));
      else before.add(part);
      parts.add(part);
    }
    assertParts(parts, table);
  }
  if (parts.size === 1) {
    const [part = ''] = parts;
    throw wrongTable(tableOf(paths[0] ?? ''), `has one part alone, "${toPrintable(part, 80)}"`);
  }
  return images;
}

const tableOf = (path: string): TextTable => ({
  path,
  what: 'split',
  names: 'image',
  advice: 'give a table with the columns image and split, or a list of images for each part',
});

/** Two files of one name in two directories are two parts. */
function partOfFile(path: string, paths: readonly string[]): string {
  const { name } = parse(path);
  const isUnique = paths.every((other) => other === path || parse(other).name !== name);
  return isUnique ? name : path;
}

function assertParts({ size }: ReadonlySet<string>, table: TextTable): void {
  if (size === 0) throw wrongTable(table, 'has no image in any part');
  if (size > MOST_PARTS) throw wrongTable(table, `has more than ${count(MOST_PARTS, 'part')}`);
}

interface Columns {
  readonly image: number;
  /** undefined: the file is a part. */
  readonly part: number | undefined;
  /** The first line that is no header. */
  readonly first: number;
}

/** @param subsets of the manifest, folded: a column with nothing else says no parts */
function columnsOf(
  entries: readonly Entry[],
  table: TextTable,
  subsets: ReadonlySet<string>,
): Columns {
  const [head] = entries;
  const names = head?.cells.map(foldColumn) ?? [];
  const image = imageColumn(entries.slice(0, LOOKED_AT), names);
  if (head === undefined || image === undefined) {
    const expected = 'names such as patient17664_000.jpg';
    const found = toPrintable(head?.cells.join(',') ?? 'nothing', 120);
    throw wrongTable(table, 'has no column with names of images', { expected, found });
  }
  if (likeness(head.cells[image]) > 0) return { image, part: undefined, first: 0 };
  const part = PART_COLUMNS.map((name) => names.indexOf(name)).find((at) => {
    const isSubset = ({ cells }: Entry) => subsets.has(foldColumn(cells[at] ?? ''));
    return at >= 0 && at !== image && !entries.slice(1).every(isSubset);
  });
  return { image, part, first: 1 };
}

/** The column whose cells are most like names of images. */
function imageColumn(entries: readonly Entry[], names: readonly string[]): number | undefined {
  let best: number | undefined;
  let most = 0;
  for (const at of entries[0]?.cells.keys() ?? []) {
    const like = entries.reduce((sum, { cells }) => sum + likeness(cells[at]), 0);
    // Of two that are equally like them, the one that is called so.
    const total = like === 0 ? 0 : like + (IMAGE_COLUMNS.includes(names[at] ?? '') ? 0.5 : 0);
    if (total > most) [best, most] = [at, total];
  }
  return best;
}

function likeness(cell = ''): number {
  const name = cell.split(/[/\\]/).at(-1) ?? '';
  if (isImageName(name)) return 2;
  return /_\d+$/.test(name) ? 1 : 0;
}
