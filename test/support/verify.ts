import { open, readFile, stat, utimes } from 'node:fs/promises';
import { verifyDataset } from '../../src/verify/verify-dataset.ts';
import type { VerifyOptions, VerifyOutcome, VerifyResult } from '../../src/verify/types.ts';
import type { Dataset } from './dataset.ts';

export function verify(
  { root, manifest }: Dataset,
  options: Partial<VerifyOptions> = {},
): Promise<VerifyResult> {
  return verifyDataset({ manifest, dest: root, ...options });
}

/** By file: how it came out. */
export function statusesOf({ outcomes }: VerifyResult): Readonly<Record<string, string>> {
  return Object.fromEntries(outcomes.map(({ file, status }) => [file, status]));
}

export function outcomeOf({ outcomes }: VerifyResult, file: string): VerifyOutcome {
  const outcome = outcomes.find((each) => each.file === file);
  if (outcome === undefined) throw new Error(`no outcome of ${file}`);
  return outcome;
}

/**
 * Changes one byte, and leaves length and times as they are: what a disk does that rots.
 * @param at counted from the end where it is below 0
 */
export async function rot(path: string, at = -1): Promise<void> {
  const { atime, mtime } = await stat(path);
  const bytes = await readFile(path);
  const place = at < 0 ? bytes.length + at : at;
  const handle = await open(path, 'r+');
  await handle.write(Buffer.from([(bytes[place] ?? 0) ^ 1]), 0, 1, place);
  await handle.close();
  await utimes(path, atime, mtime);
}

/** The files of a stand-in release, in the manifest's order. */
export const ALL = [
  'ChestDx-1.zip',
  'ChestDx-2.zip',
  'ChestDx_PE-1.zip',
  'chest_dx.csv',
  'Normal-4.zip',
  'Viral-1.zip',
  'viral_pneumonia_COVID-19.csv',
  'Other-1.zip',
];
/** Each of them with this status. */
export const all = (status: string) => Object.fromEntries(ALL.map((name) => [name, status]));
