import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatasetLayout } from '../dataset/layout.ts';
import { CcxriError } from '../errors.ts';
import { freeBytesAt } from '../fs/paths.ts';
import { placeOf } from '../labels/join.ts';
import { formatBytes, toPrintable } from '../text.ts';
import type { PlannedSplit } from './plan.ts';

interface ExportWork {
  /** The directory of the export, absolute. */
  readonly path: string;
  readonly layout: DatasetLayout;
  /** Images of archives that are extracted may be linked instead of copied. */
  readonly linksFiles: boolean;
}

/**
 * How much room the images of an export take, as they are, in bytes; of images whose length nobody has noted,
 * nothing counts. A link takes none.
 */
export async function bytesOfImages(
  splits: readonly PlannedSplit[],
  { path, layout, linksFiles }: ExportWork,
): Promise<number> {
  const canLink = linksFiles && (await areOnOneDisk(layout.images, dirname(path)));
  let bytes = 0;
  for (const { archive, record, rows } of splits.flatMap(({ archives }) => archives)) {
    if (canLink && archive.packed === undefined) continue;
    const sizes = new Map((record?.members ?? []).map((each) => [each.path, each.bytes]));
    for (const row of rows) bytes += sizes.get(placeOf(row).slice(archive.stem.length + 1)) ?? 0;
  }
  return bytes;
}

/** Of directories that are not there yet, those count that they will be made in. */
async function areOnOneDisk(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map(deviceOf));
  return first !== undefined && first === second;
}

async function deviceOf(path: string): Promise<number | undefined> {
  const stats = await stat(path).catch(() => undefined);
  if (stats !== undefined) return stats.dev;
  return dirname(path) === path ? undefined : deviceOf(dirname(path));
}

/**
 * A disk that fills up after hours helps nobody.
 * @param bytesNeeded that are still to be written
 * @throws CcxriError `disk-space`
 */
export async function assertRoom(path: string, bytesNeeded: number): Promise<void> {
  const freeBytes = await freeBytesAt(path);
  if (freeBytes === null || freeBytes >= bytesNeeded) return;
  const [need, free] = [formatBytes(bytesNeeded), formatBytes(freeBytes)];
  const where = toPrintable(path, 4096);
  throw new CcxriError('disk-space', `the export takes ${need}, and ${free} are free at ${where}`, {
    ...{ path, expected: need, found: `${free} free`, kept: 'all that is there' },
    next: [
      {
        kind: 'advice',
        text: 'free some space',
        or: { kind: 'option', option: 'to', purpose: 'on a disk that has it' },
      },
    ],
  });
}
