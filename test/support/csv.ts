import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';

/** The header of chest_dx.csv as it is published. */
export const CHEST_HEADER =
  'image,zip,Consolidation,Fibrosis,Nodule,Hernia,Atelectasis,Pneumothorax,Edema,Pneumonia,Emphysema,Effusion,Infiltration,Pleural_thickening,Mass,Cardiomegaly,No_finding';

/** A row of chest_dx.csv that has the labels named, by their published names. */
export function chestRow(image: string, zip: string, ...labels: readonly string[]): string {
  const columns = CHEST_HEADER.split(',').slice(2);
  const unknown = labels.filter((label) => !columns.includes(label));
  if (unknown.length > 0) throw new Error(`no such column: ${unknown.join(', ')}`);
  return [image, zip, ...columns.map((name) => (labels.includes(name) ? '1' : '0'))].join(',');
}

export function lines(...rows: readonly string[]): string {
  return rows.map((row) => `${row}\n`).join('');
}

/** A CSV text as records by column, read by a parser that has nothing to do with the writer. */
export function parseCsv(text: string): readonly Readonly<Record<string, string>>[] {
  return parse(text, { columns: true });
}

/** The images of an archive, as index.csv of a dataset directory names them. */
export async function imagesInIndex(dest: string, stem: string): Promise<readonly string[]> {
  const index = await readFile(join(dest, 'index.csv'), 'utf8');
  const found = index.matchAll(new RegExp(`^images/${stem}/([^,]+),`, 'gm'));
  return [...found].map(([, name = '']) => name);
}
