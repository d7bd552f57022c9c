import { createReadStream } from 'node:fs';
import { CcxriError, type ErrorFacts, errnoOf, toDiskError } from '../errors.ts';
import { isAbsent } from '../fs/paths.ts';
import { toPrintable } from '../text.ts';
import { isImageName } from './join.ts';

/** A list or table of names, as somebody's script or spreadsheet wrote it. */
export interface TextTable {
  readonly path: string;
  /** What errors call it: `list of patients`. */
  readonly what: string;
  /** What each line names. */
  readonly names: 'patient' | 'image';
  /** What to do where it is wrong, as a clause. */
  readonly advice: string;
}

/** A line that is not empty. */
export interface Entry {
  readonly line: number;
  readonly cells: readonly string[];
}

/** 162,000 paths are 7 MB; a bound against any other file. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Longer than any path that is meant. */
const MAX_ENTRY = 1000;

/**
 * Byte-order mark, any line ends, blanks, blank lines and quotes do not matter.
 * @throws CcxriError `usage`; of the disk
 */
export async function readEntries(table: TextTable): Promise<readonly Entry[]> {
  const text = decode(await readBounded(table), table);
  const separator = separatorOf(text.split(/[\r\n]/, 1)[0] ?? '');
  return text
    .split(/\r\n|\n|\r/)
    .map((line, at) => ({ line: at + 1, cells: cellsOf(line, separator) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''));
}

/** Not `readFile`: a list may come through a pipe. */
async function readBounded(table: TextTable): Promise<Buffer> {
  const { path, what } = table;
  const pieces: Buffer[] = [];
  const stream = createReadStream(path, { end: MAX_BYTES });
  try {
    for await (const piece of stream) if (Buffer.isBuffer(piece)) pieces.push(piece);
  } catch (error) {
    if (isAbsent(error)) throw wrongTable(table, 'is not there');
    if (errnoOf(error) === 'EISDIR') throw wrongTable(table, 'is a directory');
    throw toDiskError(error, `read the ${what}`, { path });
  } finally {
    stream.destroy();
  }
  const bytes = Buffer.concat(pieces);
  if (bytes.length > MAX_BYTES) throw wrongTable(table, 'is longer than 64 MiB');
  return bytes;
}

/** As UTF-8, or as the UTF-16 that spreadsheets call Unicode text. */
function decode(bytes: Buffer, table: TextTable): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  try {
    return new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw wrongTable(table, 'is no text in UTF-8');
  }
}

/** Blanks separate in `a.jpg 0`, as lists for training scripts have it, but not in the name `a b.jpg`. */
function separatorOf(line: string): string {
  const separator = /[,;\t]/.exec(line)?.[0];
  if (separator !== undefined) return separator;
  return !isImageName(line) && line.split(' ').some(isImageName) ? ' ' : ',';
}

function cellsOf(line: string, separator: string): readonly string[] {
  if (!line.includes('"')) return line.split(separator).map((cell) => cell.trim());
  const cells: string[] = [];
  // A quoted cell may have the separator in it.
  const cell = new RegExp(
    `\\s*"((?:[^"]|"")*)"\\s*(?:${separator}|$)|([^${separator}]*)(?:${separator}|$)`,
    'y',
  );
  while (cell.lastIndex < line.length) {
    const [, quoted, plain = ''] = cell.exec(line) ?? [];
    cells.push((quoted?.replaceAll('""', '"') ?? plain).trim());
  }
  return cells;
}

/** @throws CcxriError `usage`, with the line: it has no name in this column */
export function nameOf({ line, cells }: Entry, column: number, table: TextTable): string {
  const cell = cells[column] ?? '';
  const isText = cell.length <= MAX_ENTRY && !/[\u0000-\u001f\u007f-\u009f\ufffd]/.test(cell);
  if (cell !== '' && isText) return cell;
  const found = toPrintable(cells.join(','), 120);
  const expected = `the name of the ${table.names}`;
  throw wrongTable(table, `names no ${table.names}`, { line, expected, found });
}

/** `the list of patients ids.txt, line 7, …` */
export function wrongTable(table: TextTable, problem: string, facts: ErrorFacts = {}): CcxriError {
  const { path, what, advice: text } = table;
  const line = facts.line === undefined ? '' : `, line ${facts.line},`;
  const message = `the ${what} ${toPrintable(path, 4096)}${line} ${problem}`;
  return new CcxriError('usage', message, { path, ...facts, next: [{ kind: 'advice', text }] });
}
