import { createHash } from 'node:crypto';
import type { MembersRecord } from '../dataset/ledger.ts';
import { type ArchiveRows, type IndexSource, indexRows } from '../labels/build-index.ts';
import { type ChosenRows, chooseRows } from '../labels/choose-rows.ts';
import { CcxriError } from '../errors.ts';
import { type ImageChoice, choosesImages } from '../labels/image-choice.ts';
import { type ArchiveImages, type IndexRow, placeOf } from '../labels/join.ts';
import { renderRow } from '../labels/write.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import { count } from '../text.ts';
import { type SplitParts, assertAllHere } from './split-parts.ts';
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
  /** Chosen images that are in no part of the split. */
  readonly withoutPart: number;
  /** Names of lists that no image here has. */
  readonly notFound: readonly string[];
}

export interface PlanOptions {
  readonly manifest: Manifest;
  /** That are selected. */
  readonly files: readonly ManifestFile[];
  readonly choice: ImageChoice;
  readonly split: SplitParts | undefined;
  /** The images go along: broken ones are left out. */
  readonly withImages: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Which rows are exported, split by split, each in the order of index.csv.
 * @throws CcxriError `missing`: images of the split, or a label file; `nothing-chosen`
 */
export async function planExport(source: IndexSource, options: PlanOptions): Promise<ExportPlan> {
  const { split, choice, signal } = options;
  // Kept: each split reads them, and so do the tables at the end.
  const here: ArchiveRows[] = [];
  for await (const found of indexRows(source, signal)) here.push(found);
  if (split !== undefined) {
    const paths = new Set(here.flatMap(({ rows }) => rows.map(({ path }) => path)));
    const { asked } = source;
    assertAllHere(
      split,
      (path) => paths.has(path),
      (stem) => asked?.has(stem) ?? true,
    );
  }
  const { labels } = source;
  const chosen = choosesImages(choice) ? chooseRows(here, choice, { ...options, labels }) : ALL;
  const arranged = arrange(here, chosen, options);
  const isEmpty = arranged.splits.every(({ archives }) => archives.length === 0);
  if (isEmpty && arranged.leftOut.length === 0) throw noneInSplit(split, arranged.withoutPart);
  return { ...arranged, notFound: chosen.notFound };
}

function noneInSplit(split: SplitParts | undefined, withoutPart: number): CcxriError {
  const where = split === undefined ? '' : ` is in a part of the split ${split.name}`;
  return new CcxriError('nothing-chosen', `no image that is meant${where || ' is here'}`, {
    found: `${count(withoutPart, 'image')} in no part`,
    next: [
      {
        kind: 'advice',
        text: 'select others',
        or: { kind: 'run', command: 'split', purpose: 'to write a split of what is here' },
      },
    ],
  });
}

const ALL: ChosenRows = { has: () => true, notFound: [] };

function arrange(
  here: readonly ArchiveRows[],
  chosen: ChosenRows,
  { split, withImages }: PlanOptions,
): Omit<ExportPlan, 'notFound'> {
  const parts = new Map<string | undefined, ArchivePart[]>(
    (split?.order ?? [undefined]).map((part) => [part, []]),
  );
  const leftOut: LeftOutImage[] = [];
  let withoutPart = 0;
  for (const { archive, record, rows } of here) {
    const broken = new Map(
      withImages ? archive.broken.map(({ path, why }) => [`${archive.stem}/${path}`, why]) : [],
    );
    const rowsOf = new Map([...parts.keys()].map((part) => [part, new Array<IndexRow>()]));
    for (const row of rows) {
      if (!chosen.has(row)) continue;
      const mine = rowsOf.get(split?.partOf.get(row.path));
      const why = broken.get(placeOf(row));
      if (mine === undefined) withoutPart += 1;
      else if (why !== undefined) leftOut.push({ image: placeOf(row), why });
      else mine.push(row);
    }
    for (const [part, own] of rowsOf) {
      if (own.length > 0) parts.get(part)?.push({ archive, record, rows: own });
    }
  }
  const splits = [...parts].map(([part, archives]) => ({ split: part, archives }));
  return { splits, leftOut, withoutPart };
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
