import * as z from 'zod';
import {
  type LabelSource,
  NAME_CELL,
  disagreement,
  isName,
  labelsInvalid,
  printable,
  readRows,
} from './csv-rows.ts';
import { ExampleCounter, type Examples, FINDING_COLUMNS, toFieldName } from './findings.ts';

/** chest_dx.csv: the findings of ChestDx and ChestDx-PE. */
export interface ChestLabels {
  readonly file: string;
  readonly rows: number;
  /** Archive stem, then image name, to the bits of FINDING_COLUMNS. */
  readonly byArchive: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Rows that say again what an earlier row says: harmless. */
  readonly repeated: Examples;
  /** Columns that are not used. */
  readonly extraColumns: readonly string[];
}

const COLUMNS = ['image', 'zip', ...FINDING_COLUMNS] as const;

/**
 * One zod check a row, on its cells joined by line ends (which no name may hold): measured on
 * 162,000 rows, a check a cell costs more than reading the file.
 */
const chestRowSchema = z.string().regex(new RegExp(`^${NAME_CELL}\\n${NAME_CELL}(?:\\n[01]){15}$`));

/**
 * @throws CcxriError `labels-invalid`: no CSV, a column missing or twice, a ragged row, a cell that
 *   is not 0 or 1, or two rows that disagree about an image
 */
export async function readChestLabels(source: LabelSource): Promise<ChestLabels> {
  const byArchive = new Map<string, Map<string, number>>();
  const repeated = new ExampleCounter();
  let rows = 0;
  const extraColumns = await readRows(source, {
    columns: COLUMNS,
    toColumn: toFieldName,
    onRow: (cells, line) => {
      const [image = '', zip = ''] = cells;
      if (!chestRowSchema.safeParse(cells.join('\n')).success)
        throw badChestCell(source, cells, line);
      rows += 1;
      const bits = toBits(cells);
      const archive = zip.replace(/\.zip$/i, '');
      const images = byArchive.get(archive) ?? new Map<string, number>();
      if (images.size === 0) byArchive.set(archive, images);
      const before = images.get(image);
      if (before === undefined) images.set(image, bits);
      else if (before === bits) repeated.add(`${archive}/${image}`);
      else throw disagreement(source, `${archive}/${image}`, line);
    },
  });
  return { file: source.file, rows, byArchive, repeated: repeated.examples(), extraColumns };
}

/** The first flag, after image and zip, as bit 0. */
function toBits(cells: readonly string[]): number {
  let bits = 0;
  for (let at = 2; at < cells.length; at += 1) if (cells[at] === '1') bits |= 1 << (at - 2);
  return bits;
}

function badChestCell(source: LabelSource, cells: readonly string[], line: number): Error {
  const index = cells.findIndex((cell, at) =>
    at < 2 ? !isName(cell) : cell !== '0' && cell !== '1',
  );
  const column = COLUMNS[index] ?? '';
  const expected = index < 2 ? 'a plain name' : '0 or 1';
  const found = `"${printable(cells[index] ?? '')}"`;
  return labelsInvalid(source, `has ${found} under ${column}, expected ${expected}`, {
    line,
    expected,
    found,
  });
}

/** viral_pneumonia_COVID-19.csv: which images of viral pneumonia are COVID-19. */
export interface CovidLabels {
  readonly file: string;
  readonly rows: number;
  /** By image name: the file names no archive. */
  readonly byImage: ReadonlyMap<string, boolean>;
  readonly repeated: Examples;
  readonly extraColumns: readonly string[];
}

const covidRowSchema = z.tuple([
  z.string().regex(new RegExp(`^${NAME_CELL}$`)),
  z.string().regex(/^(?:true|false)$/i),
]);

/**
 * @throws CcxriError `labels-invalid`: no CSV, a column missing or twice, a ragged row, a cell that
 *   is not True or False, or two rows that disagree about an image
 */
export async function readCovidLabels(source: LabelSource): Promise<CovidLabels> {
  const byImage = new Map<string, boolean>();
  const repeated = new ExampleCounter();
  let rows = 0;
  const extraColumns = await readRows(source, {
    columns: ['image', 'COVID-19'],
    toColumn: (name) => name,
    onRow: (cells, line) => {
      const row = covidRowSchema.safeParse(cells).data;
      if (row === undefined) throw badCovidCell(source, cells, line);
      const [image, tag] = row;
      rows += 1;
      const covid = tag.toLowerCase() === 'true';
      const before = byImage.get(image);
      if (before === undefined) byImage.set(image, covid);
      else if (before === covid) repeated.add(image);
      else throw disagreement(source, image, line);
    },
  });
  return { file: source.file, rows, byImage, repeated: repeated.examples(), extraColumns };
}

function badCovidCell(source: LabelSource, cells: readonly string[], line: number): Error {
  const [image = '', tag = ''] = cells;
  const good = isName(image);
  const expected = good ? 'True or False' : 'a plain name';
  const found = `"${printable(good ? tag : image)}"`;
  const what = `has ${found} under ${good ? 'COVID-19' : 'image'}, expected ${expected}`;
  return labelsInvalid(source, what, { line, expected, found });
}
