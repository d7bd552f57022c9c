import { createReadStream } from 'node:fs';
import { CsvError, parse } from 'csv-parse';
import { throwIfAborted } from '../abort.ts';
import { CcxriError, type ErrorFacts, type NextStep, toDiskError } from '../errors.ts';
import { count, toPrintable } from '../text.ts';

/** A label file to read. */
export interface LabelSource {
  /** Manifest name, for messages. */
  readonly file: string;
  readonly path: string;
  readonly signal?: AbortSignal | undefined;
}

/** What a form of label file must have, and who takes its rows. */
interface RowReader {
  /** The columns that must be there, in any order; others are let pass. */
  readonly columns: readonly string[];
  /** A header cell in the words of `columns`. */
  readonly toColumn: (headerCell: string) => string;
  /** A row's cells in the order of `columns`. May throw `labels-invalid`. */
  readonly onRow: (cells: readonly string[], line: number) => void;
}

/**
 * A name in one folder, as the source of a regular expression. A replacement character means that
 * the file is not UTF-8.
 */
export const NAME_CELL = '[^\\u0000-\\u001f\\u007f-\\u009f/\\\\\\ufffd]{1,255}';

const NAME = new RegExp(`^${NAME_CELL}$`);

export function isName(cell: string): boolean {
  return NAME.test(cell);
}

/** The longest honest row is below 200 characters: an unclosed quote must not fill the memory. */
const MAX_RECORD_CHARACTERS = 64 * 1024;
/** Measured: 64 KiB, the default, takes a tenth longer. */
const READ_BYTES = 128 * 1024;
/** Rows from one look at the abort signal to the next. */
const ROWS_A_LOOK = 1000;

/**
 * Streams a CSV file: BOM, any line ends (mixed, too), RFC 4180 quotes. Rows go to `reader.onRow`.
 * @returns columns of the file that the form does not know
 * @throws CcxriError `labels-invalid` with file and line; disk errors; `aborted`
 */
export async function readRows(source: LabelSource, reader: RowReader): Promise<readonly string[]> {
  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: MAX_RECORD_CHARACTERS,
    // Lengths are checked in takeRows, for a message that names the place; nothing is let pass.
    relax_column_count: true,
  });
  const input = createReadStream(source.path, { highWaterMark: READ_BYTES });
  // No `pipeline`: it reports its own AbortError where takeRows throws what is wrong with a row.
  input.on('error', (error) => parser.destroy(error));
  input.pipe(parser);
  try {
    return await takeRows(parser, source, reader);
  } catch (error) {
    throw toLabelError(error, source);
  } finally {
    input.destroy();
    parser.destroy();
  }
}

async function takeRows(
  records: AsyncIterable<readonly string[]>,
  source: LabelSource,
  reader: RowReader,
): Promise<readonly string[]> {
  let header: Header | undefined;
  // Lines are counted here: `on_record` with its context costs half as much as the parsing itself.
  let line = 0;
  for await (const cells of records) {
    if (line % ROWS_A_LOOK === 0) throwIfAborted(source.signal);
    line += 1;
    if (header === undefined) {
      header = checkHeader(source, reader, cells);
      continue;
    }
    if (cells.length !== header.width) throw raggedRow(source, line, header.width, cells);
    const picked = header.picks.map((index) => cells[index] ?? '');
    reader.onRow(picked, line);
    // Only columns that the form does not know can hold a line end.
    if (header.extra.length > 0) line += countLineEnds(cells);
  }
  if (header === undefined) throw labelsInvalid(source, 'is empty', {});
  if (line === 1) throw labelsInvalid(source, 'has a header and not one row', { line });
  return header.extra;
}

function countLineEnds(cells: readonly string[]): number {
  return cells.join('').match(/\r\n|\r|\n/g)?.length ?? 0;
}

interface Header {
  /** Cells in every row. */
  readonly width: number;
  /** Where each column of the form stands. */
  readonly picks: readonly number[];
  readonly extra: readonly string[];
}

/** csv-parse lets the last of two columns of one name win without a word: names are checked here. */
function checkHeader(source: LabelSource, reader: RowReader, cells: readonly string[]): Header {
  const names = cells.map((cell) => reader.toColumn(cell));
  const facts = { line: 1, expected: reader.columns.join(','), found: printable(cells.join(',')) };
  const missing = reader.columns.filter((column) => !names.includes(column));
  const doubled = names.find((name, index) => names.indexOf(name) !== index);
  // A file without a header line has doubles, too: `0`, `0`. What is missing says more then.
  if (doubled !== undefined && (missing.length === 0 || reader.columns.includes(doubled))) {
    throw labelsInvalid(source, `names the column "${printable(doubled)}" twice`, facts);
  }
  if (missing.length > 0) {
    const what = `has no column ${missing.map((name) => `"${name}"`).join(', ')}`;
    const separator = names.length === 1 && /[;\t]/.test(names[0] ?? '');
    throw labelsInvalid(source, what, facts, separator ? USE_COMMAS : undefined);
  }
  return {
    width: cells.length,
    picks: reader.columns.map((column) => names.indexOf(column)),
    extra: names.filter((name) => !reader.columns.includes(name)),
  };
}

const USE_COMMAS: readonly NextStep[] = [
  {
    kind: 'advice',
    text: 'take the published file again (the cells are not separated by commas, as a spreadsheet saves them in some countries)',
    or: { kind: 'advice', text: 'save it with commas, as UTF-8' },
  },
];

function raggedRow(
  source: LabelSource,
  line: number,
  width: number,
  cells: readonly string[],
): CcxriError {
  const found = count(cells.length, 'cell');
  return labelsInvalid(source, `has a row of ${found} under a header of ${width}`, {
    line,
    expected: count(width, 'cell'),
    found: `${found}: ${printable(cells.join(','))}`,
  });
}

function toLabelError(error: unknown, source: LabelSource): unknown {
  if (!(error instanceof CsvError)) {
    return toDiskError(error, 'read the labels', { file: source.file, path: source.path });
  }
  const line: unknown = error['lines'];
  const facts = { ...(typeof line === 'number' ? { line } : {}), found: printable(error.message) };
  return labelsInvalid(source, 'is no well-formed CSV', facts);
}

/** `chest_dx.csv, line 7, has …`: what is wrong with a label file, and the way on. */
export function labelsInvalid(
  source: LabelSource,
  what: string,
  facts: ErrorFacts,
  next?: readonly NextStep[],
): CcxriError {
  const place = facts.line === undefined ? '' : `, line ${facts.line},`;
  const file = source.file;
  return new CcxriError('labels-invalid', `${file}${place} ${what}`, {
    ...facts,
    file,
    path: source.path,
    kept: 'nothing was changed',
    next: next ?? [
      {
        kind: 'run',
        command: 'verify',
        files: [file],
        purpose: 'to see whether it is the published file',
      },
      { kind: 'advice', text: 'remove it where it is not' },
      { kind: 'run', command: 'fetch', files: [file], purpose: 'to get it again' },
    ],
  });
}

/** A cell in a message: short, and safe for a terminal. */
export function printable(cell: string): string {
  return toPrintable(cell, 120);
}

/** Two rows for one image that do not say the same: nobody can know which one is right. */
export function disagreement(source: LabelSource, image: string, line: number): CcxriError {
  return labelsInvalid(source, `gives ${printable(image)} again, with other values`, {
    line,
    expected: 'one row an image',
    found: printable(image),
  });
}
