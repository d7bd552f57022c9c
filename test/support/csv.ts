import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterEach } from 'vitest';

/** The header of chest_dx.csv as it is published. */
export const CHEST_HEADER =
  'image,zip,Consolidation,Fibrosis,Nodule,Hernia,Atelectasis,Pneumothorax,Edema,Pneumonia,Emphysema,Effusion,Infiltration,Pleural_thickening,Mass,Cardiomegaly,No_finding';

/** A row of chest_dx.csv that has the findings named, by their published names. */
export function chestRow(image: string, zip: string, ...findings: readonly string[]): string {
  const columns = CHEST_HEADER.split(',').slice(2);
  const unknown = findings.filter((finding) => !columns.includes(finding));
  if (unknown.length > 0) throw new Error(`no such column: ${unknown.join(', ')}`);
  return [image, zip, ...columns.map((name) => (findings.includes(name) ? '1' : '0'))].join(',');
}

export function lines(...rows: readonly string[]): string {
  return rows.map((row) => `${row}\n`).join('');
}

/** A CSV text as records by column, read by a parser that has nothing to do with the writer. */
export function parseCsv(text: string): readonly Readonly<Record<string, string>>[] {
  return parse(text, { columns: true });
}

/** Temporary directories of a test file; all are removed after each test. */
export function useTempDirs(): () => Promise<string> {
  const made: string[] = [];
  afterEach(async () => {
    await Promise.all(made.splice(0).map((path) => rm(path, { recursive: true, force: true })));
  });
  return async () => {
    const path = await mkdtemp(join(tmpdir(), 'ccxri-labels-'));
    made.push(path);
    return path;
  };
}

/** Writes files by their path below a directory; text or bytes. */
export async function writeTree(
  root: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  const folders = new Set(Object.keys(files).map((path) => dirname(join(root, path))));
  for (const folder of folders) await mkdir(folder, { recursive: true });
  for (const [path, content] of Object.entries(files)) await writeFile(join(root, path), content);
}

/** Every file and folder below a directory, sorted. */
export async function listTree(root: string): Promise<readonly string[]> {
  return (await readdir(root, { recursive: true })).sort();
}
