import * as z from 'zod';
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

/** viral_pneumonia_COVID-19.csv: which images of viral pneumonia are COVID-19. */
export interface CovidLabels {
  readonly file: string;
  readonly rows: number;
  /** By image name: the file names no archive. */
  readonly byImage: ReadonlyMap<string, boolean>;
  readonly repeated: Examples;
  readonly extraColumns: readonly string[];
}

const rowSchema = z.tuple([
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
      const row = rowSchema.safeParse(cells).data;
      if (row === undefined) throw badCell(source, cells, line);
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

function badCell(source: LabelSource, cells: readonly string[], line: number): Error {
  const [image = '', tag = ''] = cells;
  const good = isName(image);
  const expected = good ? 'True or False' : 'a plain name';
  const found = `"${printable(good ? tag : image)}"`;
  const what = `has ${found} under ${good ? 'COVID-19' : 'image'}, expected ${expected}`;
  return labelsInvalid(source, what, { line, expected, found });
}
