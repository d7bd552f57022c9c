import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { DatasetLayout } from '../dataset/layout.ts';
import { CcxriError, toDiskError } from '../errors.ts';
import { readSmallJson } from '../fs/small-json.ts';
import { type SplitFiles, readSplit, splitFilesOf } from '../labels/split-file.ts';
import { count, toPrintable } from '../text.ts';

/** A split that was written by `ccxri split`. */
export interface SplitParts {
  readonly name: string;
  /** Of the random numbers that it was made with. Null: its sidecar does not say so, or it was edited. */
  readonly seed: string | null;
  readonly sha256: string;
  /** The part of each image, by its path in index.csv. */
  readonly partOf: ReadonlyMap<string, string>;
  /** The parts, in the order that they were asked for in. */
  readonly order: readonly string[];
}

/** @throws CcxriError `usage`; `missing`: there is no such split; `occupied`: it is none; of the disk */
export async function readParts(
  layout: DatasetLayout,
  name: string,
  signal: AbortSignal | undefined,
): Promise<SplitParts> {
  const files = splitFilesOf(layout, name);
  const partOf = await readSplit(files.csv, signal);
  if (partOf === undefined) throw noSuchSplit(files.csv, name);
  const bytes = await readFile(files.csv).catch((error: unknown) => {
    throw toDiskError(error, 'read', { path: files.csv });
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const { seed, parts } = await readSidecar(files, sha256);
  const met = new Set(partOf.values());
  met.delete('');
  const order = [...new Set([...parts.filter((part) => met.has(part)), ...met])];
  return { name, seed, sha256, partOf, order };
}

/**
 * What it says can be done without.
 * @param sha256 of the file with the parts: of one that was edited since, nobody knows a seed
 */
async function readSidecar(
  { sidecar }: SplitFiles,
  sha256: string,
): Promise<{ readonly seed: string | null; readonly parts: readonly string[] }> {
  const json = await readSmallJson(sidecar, { maxBytes: 1e6, doing: 'read' });
  if (typeof json !== 'object' || json === null) return { seed: null, parts: [] };
  const isOfIt = 'sha256' in json && json.sha256 === sha256;
  const seed = isOfIt && 'seed' in json && typeof json.seed === 'string' ? json.seed : null;
  const parts: readonly unknown[] = 'parts' in json && Array.isArray(json.parts) ? json.parts : [];
  const names = parts.flatMap((each) => {
    const isPart = typeof each === 'object' && each !== null && 'part' in each;
    return isPart && typeof each.part === 'string' ? [each.part] : [];
  });
  return { seed, parts: names };
}

function noSuchSplit(path: string, name: string): CcxriError {
  return new CcxriError('missing', `there is no split ${name}`, {
    path,
    next: [{ kind: 'run', command: 'split', options: { name }, purpose: 'to make it' }],
  });
}

/**
 * A split without some of its images is another one: what was trained on it could not be compared.
 * @param isHere whether there is a row of a path
 * @param isMeant whether an archive is selected, by its stem
 * @throws CcxriError `missing`
 */
export function assertAllHere(
  { name, partOf }: SplitParts,
  isHere: (path: string) => boolean,
  isMeant: (stem: string) => boolean,
): void {
  const stemOf = (path: string) => path.split('/')[1] ?? '';
  const absent = [...partOf.keys()].filter((path) => isMeant(stemOf(path)) && !isHere(path));
  if (absent.length === 0) return;
  const stems = [...new Set(absent.map(stemOf))];
  const shown = stems.slice(0, 5).map((stem) => toPrintable(stem, 80));
  const more = stems.length > 5 ? ` and ${count(stems.length - 5, 'other archive')}` : '';
  const anew = { kind: 'run', command: 'split', options: { name, force: true } } as const;
  throw new CcxriError(
    'missing',
    `${count(absent.length, 'image')} of the split ${name} ${absent.length === 1 ? 'is' : 'are'} not here, of ${shown.join(', ')}${more}`,
    {
      reasons: absent.slice(0, 10).map((path) => toPrintable(path)),
      next: [
        {
          kind: 'advice',
          text: 'get their archives, or select others',
          or: { ...anew, purpose: 'to write the split of what is here' },
        },
      ],
    },
  );
}
