import { dirname } from 'node:path';
import type { DatasetLayout } from '../dataset/layout.ts';
import { CcxriError } from '../errors.ts';
import { toPrintable } from '../text.ts';
import { readSplit, splitFilesOf } from './split-file.ts';
import { INDEX_HEADER, type SplitColumn } from './write.ts';

/** @throws CcxriError `usage`: index.csv has a column of this name that is no split */
export function assertColumnName(name: string): void {
  // Databases take Class for class.
  if (!INDEX_HEADER.toLowerCase().split(',').includes(name.toLowerCase())) return;
  throw new CcxriError('usage', `index.csv has a column ${name} already`, {
    next: [{ kind: 'option', option: 'name', purpose: 'to call the split something else' }],
  });
}

/**
 * Reads the splits that are columns of an index.
 * @param names of those that it has, and of one that it is to get
 * @throws CcxriError `occupied`: a split is not there, and its column would be lost; `usage`; of the disk;
 *   `aborted`
 */
export async function readSplitColumns(
  layout: DatasetLayout,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<readonly SplitColumn[]> {
  const columns: SplitColumn[] = [];
  for (const name of new Set(names)) {
    const path = splitFilesOf(layout, name).csv;
    const parts = await readSplit(path, signal);
    if (parts === undefined) throw noSplit(layout, name, path);
    columns.push({ name, parts });
  }
  return columns;
}

/** The column may be somebody's work. */
function noSplit({ index }: DatasetLayout, name: string, path: string): CcxriError {
  const message = `index.csv has the column ${name}, and its split is not in ${toPrintable(dirname(path), 4096)}`;
  return new CcxriError('occupied', message, {
    path: index,
    expected: toPrintable(path, 4096),
    kept: 'index.csv, unchanged',
    next: [{ kind: 'advice', text: `put ${name}.csv back, or move index.csv away` }],
  });
}
