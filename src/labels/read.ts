import { createReadStream } from 'node:fs';
import { CsvError, parse } from 'csv-parse';
import { throwIfAborted } from '../abort.ts';
import { CcxriError, type ErrorFacts, type NextStep, toDiskError } from '../errors.ts';
import { count, toPrintable } from '../text.ts';
import { FORMS, archiveResolver, findBadCell, isYes } from './cells.ts';
import { ExampleCounter, toFieldName } from './label-names.ts';
import { type ChestLabels, type CovidLabels, type LabelForm, toImageKey } from './join.ts';

/** A label file to read. */
export interface LabelSource {
  /** Manifest name, for messages. */
  readonly file: string;
  readonly path: string;
  /** Stems of the manifest's archives, by which rows name them in other spellings. Default: none. */
  readonly archives?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Count cells that are no value, instead of ending with the first. Default false. */
  readonly countBadCells?: boolean | undefined;
}

/** The longest honest row is below 200 characters: an unclosed quote must not fill the memory. */
const MAX_RECORD_CHARACTERS = 64 * 1024;
/** Measured: 64 KiB, the default, takes a tenth longer. */
const READ_BYTES = 128 * 1024;
/** Rows between two checks of the abort signal. */
const ROWS_A_CHECK = 1000;

/**
 * Streams a label file: BOM, any line ends (mixed, too), RFC 4180 quotes, blanks around cells, blank
 * lines at the end. Its header says which form it has.
 * @param expected the form it is read as where the header fits neither
 * @throws CcxriError `labels-invalid` with file and line: no CSV, a column missing or twice, a ragged
 *   row, a bad cell, or two rows that disagree about an image; disk errors; `aborted`
 */
export async function readLabelFile(
  source: LabelSource,
  expected: LabelForm,
): Promise<ChestLabels | CovidLabels> {
  const parser = parse({
    bom: true,
    trim: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: MAX_RECORD_CHARACTERS,
    // Lengths are checked below, for a message that names the place.
    relax_column_count: true,
  });
  const input = createReadStream(source.path, { highWaterMark: READ_BYTES });
  // No `pipeline`: it reports its own AbortError where readRecords throws what is wrong with a row.
  input.on('error', (error) => parser.destroy(error));
  input.pipe(parser);
  try {
    return await readRecords(parser, source, expected);
  } catch (error) {
    throw toLabelError(error, source);
  } finally {
    input.destroy();
    parser.destroy();
  }
}

async function readRecords(
  records: AsyncIterable<readonly string[]>,
  source: LabelSource,
  expected: LabelForm,
): Promise<ChestLabels | CovidLabels> {
  let table: LabelTable | undefined;
  // Lines are counted here: `on_record` with its context costs half as much as the parsing itself.
  let line = 0;
  let blank: { readonly line: number; readonly cells: readonly string[] } | undefined;
  for await (const cells of records) {
    if (line % ROWS_A_CHECK === 0) throwIfAborted(source.signal);
    line += 1;
    if (table !== undefined && cells.every((cell) => cell === '')) {
      blank ??= { line, cells };
      continue;
    }
    // At the end they are a habit of editors and spreadsheets; between rows something is missing.
    if (blank !== undefined) table?.add(blank.cells, blank.line);
    if (table === undefined) table = new LabelTable(source, readHeader(source, cells, expected));
    else line += table.add(cells, line);
  }
  if (table === undefined) throw labelsInvalid(source, 'is empty', {});
  const labels = table.finish();
  if (labels.rows > 0) return labels;
  throw labelsInvalid(source, 'has a header and not one row', { line: 1 });
}

interface Header {
  readonly form: LabelForm;
  /** Cells in every row. */
  readonly width: number;
  /** Where each column of the form is. */
  readonly picks: readonly number[];
  /** Columns that the form does not know. */
  readonly extra: readonly string[];
}

/** csv-parse lets the last of two columns of one name win without a word: names are checked here. */
function readHeader(source: LabelSource, cells: readonly string[], expected: LabelForm): Header {
  const names = cells.map((cell) => toFieldName(cell));
  const fits = (form: LabelForm) => FORMS[form].columns.every((column) => names.includes(column));
  const other = expected === 'chest' ? 'covid' : 'chest';
  const form = !fits(expected) && fits(other) ? other : expected;
  const { columns } = FORMS[form];
  const facts = { line: 1, expected: columns.join(','), found: printable(cells.join(',')) };
  const missing = columns.filter((column) => !names.includes(column));
  const doubled = names.find((name, index) => names.indexOf(name) !== index);
  // A file without a header line has doubles, too: `0`, `0`. What is missing says more then.
  if (doubled !== undefined && (missing.length === 0 || columns.includes(doubled))) {
    throw labelsInvalid(source, `names the column "${printable(doubled)}" twice`, facts);
  }
  if (missing.length > 0) {
    const what = `has no column ${missing.map((name) => `"${name}"`).join(', ')}`;
    const separator = names.length === 1 && /[;\t]/.test(names[0] ?? '');
    throw labelsInvalid(source, what, facts, separator ? USE_COMMAS : undefined);
  }
  return {
    form,
    width: cells.length,
    picks: columns.map((column) => names.indexOf(column)),
    extra: names.filter((name) => !columns.includes(name)),
  };
}

/** The rows of a label file, checked one by one. */
class LabelTable {
  readonly #source: LabelSource;
  readonly #header: Header;
  /** Archive stem (empty where the form has none), then image name. */
  readonly #byArchive = new Map<string, Map<string, number>>();
  readonly #repeated = new ExampleCounter();
  readonly #badCells = new ExampleCounter();
  readonly #toArchive: (written: string) => string;
  #rows = 0;

  constructor(source: LabelSource, header: Header) {
    this.#source = source;
    this.#header = header;
    this.#toArchive = archiveResolver(source.archives ?? []);
  }

  /** @returns lines that the row has beside its first */
  add(record: readonly string[], line: number): number {
    const { form, width, picks, extra } = this.#header;
    if (record.length !== width) throw raggedRow(this.#source, line, width, record);
    const cells = picks.map((index) => withoutBlanks(record[index] ?? ''));
    if (!FORMS[form].rowSchema.safeParse(cells.join('\n')).success) {
      this.#noteBadCell(cells, line);
    }
    const [name = '', second = ''] = cells;
    const image = toImageKey(name);
    if (form === 'chest') this.#put(this.#toArchive(second), image, toBits(cells), line);
    else this.#put('', image, isYes(second) ? 1 : 0, line);
    this.#rows += 1;
    // Only columns that the form does not know can hold a line end.
    return extra.length === 0 ? 0 : (record.join('').match(/\r\n|\r|\n/g)?.length ?? 0);
  }

  /** A name that is none is an error in any case. */
  #noteBadCell(cells: readonly string[], line: number): void {
    const { form } = this.#header;
    const { column, found } = findBadCell(form, cells);
    if (this.#source.countBadCells !== true || column === 'image' || column === 'zip') {
      throw badCell(this.#source, form, cells, line);
    }
    this.#badCells.add(`line ${line}: "${found}" under ${column}`);
  }

  #put(archive: string, image: string, value: number, line: number): void {
    const images = this.#byArchive.get(archive) ?? new Map<string, number>();
    if (images.size === 0) this.#byArchive.set(archive, images);
    const before = images.get(image);
    if (before === undefined) {
      images.set(image, value);
      return;
    }
    const place = archive === '' ? image : `${archive}/${image}`;
    if (before !== value) throw disagreement(this.#source, place, line);
    this.#repeated.add(place);
  }

  finish(): ChestLabels | CovidLabels {
    const { form, extra } = this.#header;
    const { file } = this.#source;
    const repeated = this.#repeated.examples();
    const badCells = this.#source.countBadCells === true ? this.#badCells.examples() : undefined;
    const facts = { file, rows: this.#rows, repeated, extraColumns: extra, badCells };
    if (form === 'chest') return { form, ...facts, byArchive: this.#byArchive };
    const tags = [...(this.#byArchive.get('') ?? [])];
    return { form, ...facts, byImage: new Map(tags.map(([image, tag]) => [image, tag === 1])) };
  }
}

/** Of a quoted cell; others are trimmed by the parser. A line end is never a habit. */
function withoutBlanks(cell: string): string {
  const trimmed = cell.trim();
  return trimmed === cell || /[\r\n]/.test(cell) ? cell : trimmed;
}

/** The first flag, after image and zip, as bit 0. */
function toBits(cells: readonly string[]): number {
  let bits = 0;
  for (let at = 2; at < cells.length; at += 1) if (isYes(cells[at])) bits |= 1 << (at - 2);
  return bits;
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

function badCell(
  source: LabelSource,
  form: LabelForm,
  cells: readonly string[],
  line: number,
): CcxriError {
  const { column, expected, found: bad } = findBadCell(form, cells);
  const found = `"${printable(bad)}"`;
  const what = `has ${found} under ${column}, expected ${expected}`;
  return labelsInvalid(source, what, { line, expected, found });
}

/** Two rows for one image that do not say the same: nobody can know which one is right. */
function disagreement(source: LabelSource, place: string, line: number): CcxriError {
  const found = printable(place);
  const what = `gives ${found} again, with other values`;
  return labelsInvalid(source, what, { line, expected: 'one row an image', found });
}

function toLabelError(error: unknown, source: LabelSource): unknown {
  if (!(error instanceof CsvError)) {
    return toDiskError(error, 'read the labels', { file: source.file, path: source.path });
  }
  const line: unknown = error['lines'];
  const facts = { ...(typeof line === 'number' ? { line } : {}), found: printable(error.message) };
  return labelsInvalid(source, 'is no well-formed CSV', facts);
}

/** `chest_dx.csv, line 7, has …`: what is wrong with a label file, and the next steps. */
function labelsInvalid(
  { file, path }: LabelSource,
  what: string,
  facts: ErrorFacts,
  next?: readonly NextStep[],
): CcxriError {
  const place = facts.line === undefined ? '' : `, line ${facts.line},`;
  return new CcxriError('labels-invalid', `${file}${place} ${what}`, {
    ...facts,
    file,
    path,
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
function printable(cell: string): string {
  return toPrintable(cell, 120);
}
