import * as z from 'zod';
import { FINDING_COLUMNS, toFieldName } from './findings.ts';
import { ExampleCounter, type Examples } from './examples.ts';
import {
  disagreement,
  isName,
  labelsInvalid,
  NAME_CELL,
  printable,
  readRows,
  type LabelSource,
} from './csv-rows.ts';

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
const rowSchema = z.string().regex(new RegExp(`^${NAME_CELL}\\n${NAME_CELL}(?:\\n[01]){15}$`));

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
      if (!rowSchema.safeParse(cells.join('\n')).success) throw badCell(source, cells, line);
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

function badCell(source: LabelSource, cells: readonly string[], line: number): Error {
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
