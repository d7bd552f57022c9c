import { createHash } from 'node:crypto';
import type { MembersRecord } from '../dataset/ledger.ts';
import { type IndexSource, indexRows } from '../labels/build-index.ts';
import { type ArchiveImages, type IndexRow, placeOf } from '../labels/join.ts';
import { renderRow } from '../labels/write.ts';
import type { LeftOutImage } from './types.ts';

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

export interface ExportPlan {
  readonly splits: readonly PlannedSplit[];
  /** Images that are known to be broken: nobody reads them. */
  readonly leftOut: readonly LeftOutImage[];
}

/**
 * Which rows are exported, split by split, each in the order of index.csv.
 * @param withImages the images go along: broken ones are left out
 */
export async function planExport(
  source: IndexSource,
  withImages: boolean,
  signal: AbortSignal | undefined,
): Promise<ExportPlan> {
  // Kept: each split reads them, and so do the tables at the end.
  const archives: ArchivePart[] = [];
  const leftOut: LeftOutImage[] = [];
  for await (const { archive, record, rows } of indexRows(source, signal)) {
    const broken = new Map(
      withImages ? archive.broken.map(({ path, why }) => [`${archive.stem}/${path}`, why]) : [],
    );
    const good = rows.filter((row) => !broken.has(placeOf(row)));
    if (good.length > 0) archives.push({ archive, record, rows: good });
    for (const row of rows) {
      const why = broken.get(placeOf(row));
      if (why !== undefined) leftOut.push({ image: placeOf(row), why });
    }
  }
  return { splits: [{ split: undefined, archives }], leftOut };
}

/**
 * What an export is made of, as a SHA-256: a run that was stopped is continued only by one of the same.
 * @param options that decide about its files
 */
export function fingerprintOf({ splits }: ExportPlan, options: object): string {
  const hash = createHash('sha256').update(JSON.stringify(options));
  for (const { split, archives } of splits) {
    hash.update(`\n${split ?? ''}\n`);
    for (const { archive, rows } of archives) {
      hash.update(archive.packed === undefined ? 'folder\n' : 'archive\n');
      hash.update(rows.map((row) => renderRow(row)).join(''));
    }
  }
  return hash.digest('hex');
}
