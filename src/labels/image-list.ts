import { count, toPrintable } from '../text.ts';
import { archiveResolver } from './cells.ts';
import { isImageName, patientOf, toImageKey } from './join.ts';
import { foldColumn } from './label-names.ts';
import { type Entry, type TextTable, nameOf, readEntries, wrongTable } from './text-table.ts';

/** What the lines of a list name. */
export type ListKind = 'patients' | 'images';

/** A list of patients or images, as somebody's script or spreadsheet wrote it. */
export interface ListFile {
  readonly kind: ListKind;
  readonly path: string;
  /** Stems of the manifest's archives: folders of these names in paths of images are heeded. */
  readonly archives: readonly string[];
}

/** Columns that are read, the first of them that a file has. A table of images has its patients, too. */
const COLUMNS: Readonly<Record<ListKind, readonly string[]>> = {
  patients: ['patientid', 'patient', 'patients', 'path', 'image', 'images', 'filename', 'file'],
  images: ['path', 'image', 'images', 'filename', 'imagename', 'file'],
};

/**
 * Reads a list: one name a line, or a table that has a column of them. Byte-order mark, any line ends,
 * blanks, blank lines, a header, quotes and repetitions do not matter.
 * @returns patients as `patient17664`; images as `ImageChoice.images` has them
 * @throws CcxriError `usage`, with the line; of the disk
 */
export async function readList(list: ListFile): Promise<ReadonlySet<string>> {
  return parseList(await readEntries(tableOf(list)), list);
}

/** @throws CcxriError `usage`, with the line */
function parseList(entries: readonly Entry[], list: ListFile): ReadonlySet<string> {
  const table = tableOf(list);
  const { column, first } = columnOf(entries[0], list);
  const toName = list.kind === 'patients' ? toPatient : imageReader(list.archives);
  const names = new Set(entries.slice(first).map((entry) => toName(nameOf(entry, column, table))));
  if (names.size === 0) throw wrongTable(table, `names no ${table.names}`);
  return names;
}

function tableOf({ kind, path }: ListFile): TextTable {
  const names = kind === 'patients' ? 'patient' : 'image';
  const example = kind === 'patients' ? 'patient17664' : 'patient17664_000.jpg';
  const advice = `put one ${names} (${example}) on each line`;
  return { path, what: `list of ${kind}`, names, advice };
}

interface Columns {
  readonly column: number;
  /** Where the names begin. */
  readonly first: number;
}

/** By the header, if there is one. */
function columnOf(head: Entry | undefined, list: ListFile): Columns {
  const cells = (head?.cells ?? []).map(foldColumn);
  const name = COLUMNS[list.kind].find((each) => cells.includes(each));
  if (name !== undefined) return { column: cells.indexOf(name), first: 1 };
  const filled = cells.filter((cell) => cell !== '');
  if (filled.length > 1) {
    const expected = `one name a line, or a column "${list.kind === 'patients' ? 'patient_id' : 'image'}"`;
    const found = toPrintable((head?.cells ?? []).join(','), 120);
    const what = `has ${count(cells.length, 'column')}, and none that is called ${expected.split(' ').at(-1) ?? ''}`;
    throw wrongTable(tableOf(list), what, { line: head?.line, expected, found });
  }
  // Every patient and image has a number in its name.
  return { column: 0, first: /\d/.test(filled[0] ?? '0') ? 0 : 1 };
}

/** `patient17664`, also of the name of an image, and of the number alone. */
function toPatient(cell: string): string {
  const name = cell.split(/[/\\]/).at(-1) ?? '';
  if (isImageName(name) || /_\d+$/.test(name)) return patientOf(toImageKey(name));
  return /^\d+$/.test(name) ? `patient${name}` : name;
}

/** The name of an image, with its archive where a folder is called so. */
export function imageReader(archives: readonly string[]): (cell: string) => string {
  const known = new Set(archives);
  const resolve = archiveResolver(archives);
  return (cell) => {
    const parts = cell.split(/[/\\]/).filter((part) => part !== '');
    const image = toImageKey(parts.pop() ?? '');
    const archive = parts.map(resolve).find((stem) => known.has(stem));
    return archive === undefined ? image : `${archive}/${image}`;
  };
}
