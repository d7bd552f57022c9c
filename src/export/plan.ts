import type { MembersRecord } from '../dataset/ledger.ts';
import { type IndexSource, indexRows } from '../labels/build-index.ts';
import type { ArchiveImages, IndexRow } from '../labels/join.ts';

/** Rows of one archive that are exported. */
export interface ArchivePart {
  readonly archive: ArchiveImages;
  readonly record: MembersRecord | undefined;
  readonly rows: readonly IndexRow[];
}

/** The rows of one part of the split; undefined: no split was asked for. */
export interface PlannedSplit {
  readonly split: string | undefined;
  readonly archives: readonly ArchivePart[];
}

/** Which rows are exported, split by split, each in the order of index.csv. */
export async function planExport(
  source: IndexSource,
  signal: AbortSignal | undefined,
): Promise<readonly PlannedSplit[]> {
  // Kept: each split reads them, and so do the tables at the end.
  const archives: ArchivePart[] = [];
  for await (const found of indexRows(source, signal)) archives.push(found);
  return [{ split: undefined, archives: archives.filter(({ rows }) => rows.length > 0) }];
}
