import { createReadStream } from 'node:fs';
import { CcxriError, type ErrorFacts, errnoOf, toDiskError } from '../errors.ts';
import { isAbsent } from '../fs/paths.ts';
import { count, toPrintable } from '../text.ts';
import { archiveResolver } from './cells.ts';
import { isImageName, patientOf, toImageKey } from './join.ts';
import { foldColumn } from './label-names.ts';

/** What the lines of a list name. */
export type ListKind = 'patients' | 'images';

/** A list of patients or images, as somebody's script or spreadsheet wrote it. */
export interface ListFile {
  readonly kind: ListKind;
  readonly path: string;
  /** Stems of the manifest's archives: folders of these names in paths of images are heeded. */
  readonly archives: readonly string[];
}

/** 162,000 paths are 7 MB; a bound against any other file. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Longer than any path that is meant. */
const MAX_ENTRY = 1000;

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
  return parseList(decode(await readBounded(list), list), list);
}

/** Not `readFile`: a list may come through a pipe. */
async function readBounded(list: ListFile): Promise<Buffer> {
  const { path } = list;
  const pieces: Buffer[] = [];
  const stream = createReadStream(path, { end: MAX_BYTES });
  try {
    for await (const piece of stream) if (Buffer.isBuffer(piece)) pieces.push(piece);
  } catch (error) {
    if (isAbsent(error)) throw wrongList(list, 'is not there');
    if (errnoOf(error) === 'EISDIR') throw wrongList(list, 'is a directory');
    throw toDiskError(error, `read the list of ${list.kind}`, { path });
  } finally {
    stream.destroy();
  }
  const bytes = Buffer.concat(pieces);
  if (bytes.length > MAX_BYTES) throw wrongList(list, 'is longer than 64 MiB');
  return bytes;
}

/** As UTF-8, or as the UTF-16 that spreadsheets call Unicode text. */
function decode(bytes: Buffer, list: ListFile): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  try {
    return new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw wrongList(list, 'is no text in UTF-8');
  }
}

interface Entry {
  readonly line: number;
  readonly cells: readonly string[];
}

/** @throws CcxriError `usage`, with the line */
function parseList(text: string, list: ListFile): ReadonlySet<string> {
  const separator = /[,;\t]/.exec(text.split(/[\r\n]/, 1)[0] ?? '')?.[0] ?? ',';
  const entries = text
    .split(/\r\n|\n|\r/)
    .map((line, at) => ({ line: at + 1, cells: line.split(separator).map(unquote) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''));
  const { column, first } = columnOf(entries[0], list);
  const toName = list.kind === 'patients' ? toPatient : imageReader(list.archives);
  const names = new Set<string>();
  for (const entry of entries.slice(first)) {
    names.add(toName(cellOf(entry, column, list)));
  }
  if (names.size === 0) throw wrongList(list, `names no ${list.kind.slice(0, -1)}`);
  return names;
}

function unquote(cell: string): string {
  const trimmed = cell.trim();
  return /^"(.*)"$/.exec(trimmed)?.[1]?.replaceAll('""', '"').trim() ?? trimmed;
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
    throw wrongList(list, what, { line: head?.line, expected, found });
  }
  // Every patient and image has a number in its name.
  return { column: 0, first: /\d/.test(filled[0] ?? '0') ? 0 : 1 };
}

function cellOf({ line, cells }: Entry, column: number, list: ListFile): string {
  const cell = cells[column] ?? '';
  const isText = cell.length <= MAX_ENTRY && !/[\u0000-\u001f\u007f-\u009f\ufffd]/.test(cell);
  if (cell !== '' && isText) return cell;
  const found = toPrintable(cells.join(','), 120);
  const one = list.kind.slice(0, -1);
  throw wrongList(list, `names no ${one}`, { line, expected: `the name of the ${one}`, found });
}

/** `patient17664`, also of the name of an image, and of the number alone. */
function toPatient(cell: string): string {
  const name = cell.split(/[/\\]/).at(-1) ?? '';
  if (isImageName(name) || /_\d+$/.test(name)) return patientOf(toImageKey(name));
  return /^\d+$/.test(name) ? `patient${name}` : name;
}

/** The name of an image, with its archive where a folder is called so. */
function imageReader(archives: readonly string[]): (cell: string) => string {
  const known = new Set(archives);
  const resolve = archiveResolver(archives);
  return (cell) => {
    const parts = cell.split(/[/\\]/).filter((part) => part !== '');
    const image = toImageKey(parts.pop() ?? '');
    const archive = parts.map(resolve).find((stem) => known.has(stem));
    return archive === undefined ? image : `${archive}/${image}`;
  };
}

/** `the list of patients ids.txt, line 7, …` */
function wrongList({ kind, path }: ListFile, what: string, facts: ErrorFacts = {}): CcxriError {
  const line = facts.line === undefined ? '' : `, line ${facts.line},`;
  const message = `the list of ${kind} ${toPrintable(path, 4096)}${line} ${what}`;
  return new CcxriError('usage', message, {
    path,
    ...facts,
    next: [
      {
        kind: 'advice',
        text: `put one ${kind === 'patients' ? 'patient (patient17664)' : 'image (patient17664_000.jpg)'} on each line`,
      },
    ],
  });
}
