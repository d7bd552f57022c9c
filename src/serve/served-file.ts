import type { Stats } from 'node:fs';
import { type FileHandle, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type DatasetLayout, finalPathOf } from '../dataset/layout.ts';
import type { Ledger, Receipt } from '../dataset/ledger.ts';
import { stateOf } from '../dataset/survey.ts';
import { toDiskError } from '../errors.ts';
import { closeHandle, isAbsent, openForReading, statOrNull } from '../fs/paths.ts';
import { isBelow } from '../fs/within.ts';
import type { ManifestFile } from '../manifest/manifest.ts';

export interface ServedPlaces {
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
}

/** A file that has passed, and is as it was then. */
interface Passed {
  readonly kind: 'passed';
  /** Links followed. */
  readonly path: string;
  readonly receipt: Receipt;
}

interface NotServed {
  readonly kind: 'not-served';
  /** A clause about the file. */
  readonly why: string;
  /** Something is there that a user may take for the file. */
  readonly isOdd: boolean;
}

/** A file that has passed, opened. */
export interface OpenedFile {
  readonly kind: 'opened';
  readonly path: string;
  readonly handle: FileHandle;
  readonly receipt: Receipt;
  /** As it was when it was opened. */
  readonly stats: Stats;
}

/** Whether a file may be served, by its receipt, size and mtime; no byte is read. @throws CcxriError of the disk */
export async function lookAt(
  file: ManifestFile,
  { layout, ledger }: ServedPlaces,
): Promise<Passed | NotServed> {
  const given = finalPathOf(layout, file);
  const path = await realOrNull(given);
  const stats = path === null ? null : await statOrNull(path);
  if (path === null || stats === null) return notServed('is not here');
  const folders = await Promise.all([layout.root, dirname(given)].map(realOrNull));
  if (!folders.some((folder) => folder !== null && isBelow(folder, path))) {
    return notServed('is a link that leads out of the dataset directory', true);
  }
  const receipt = await ledger.readReceipt(file.name);
  return judge(file, receipt, stats) ?? passed(path, receipt);
}

/** Opens a file that may be served; the caller closes it. @throws CcxriError of the disk */
export async function openServed(
  file: ManifestFile,
  places: ServedPlaces,
): Promise<OpenedFile | NotServed> {
  const looked = await lookAt(file, places);
  if (looked.kind === 'not-served') return looked;
  const { path, receipt } = looked;
  const handle = await openForReading(path);
  if (handle === null) return notServed('is not here');
  let opened: OpenedFile | undefined;
  try {
    // It may have been replaced since it was looked at.
    const stats = await handle.stat();
    const why = judge(file, receipt, stats);
    if (why !== undefined) return why;
    opened = { kind: 'opened', path, handle, receipt, stats };
    return opened;
  } catch (error) {
    throw toDiskError(error, 'read', { path });
  } finally {
    if (opened === undefined) await closeHandle(handle, path);
  }
}

/** Whether an open file is still what it was when it was opened: not written to, and not replaced. */
export async function isUnchanged({ handle, path, stats }: OpenedFile): Promise<boolean> {
  try {
    const now = await handle.stat();
    return now.size === stats.size && now.mtimeMs === stats.mtimeMs && now.nlink > 0;
  } catch (error) {
    throw toDiskError(error, 'read', { path });
  }
}

function passed(path: string, receipt: Receipt | undefined): Passed | NotServed {
  return receipt === undefined ? notServed(NOT_PASSED) : { kind: 'passed', path, receipt };
}

const NOT_PASSED = 'has not passed its check yet';

/** undefined: nothing speaks against it. */
function judge(
  file: ManifestFile,
  receipt: Receipt | undefined,
  stats: Stats,
): NotServed | undefined {
  if (!stats.isFile()) return notServed('is no regular file', true);
  switch (stateOf(file, receipt, stats)) {
    case 'checked':
      return undefined;
    case 'unchecked':
      return notServed(NOT_PASSED);
    case 'changed':
      return receipt?.foundBadAt === undefined
        ? notServed('has changed since it passed its check', true)
        : notServed('was found damaged', true);
    case 'other-manifest':
      return notServed('has passed for another manifest', true);
  }
}

function notServed(why: string, isOdd = false): NotServed {
  return { kind: 'not-served', why, isOdd };
}

async function realOrNull(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw toDiskError(error, 'look at', { path });
  }
}
