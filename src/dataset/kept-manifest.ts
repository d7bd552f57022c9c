import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Clock, systemClock } from '../clock.ts';
import { isCcxriError, toDiskError } from '../errors.ts';
import { type EventListener, ignoreEvents } from '../events.ts';
import { writeFileAtomic } from '../fs/atomic.ts';
import { isAbsent, pathKind, statOrNull } from '../fs/paths.ts';
import { type LoadedManifest, loadManifest, readManifest } from '../manifest/load.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import { type DatasetLayout, finalPathOf, layoutOf } from './layout.ts';
import { type Ledger, fitsManifest } from './ledger.ts';

/** What a dataset directory says of the manifest that its files were accepted by. */
export type Kept =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'kept' } & LoadedManifest)
  /** `why`: a clause about the copy. */
  | { readonly kind: 'unusable'; readonly why: string };

type KeptFiles = Pick<DatasetLayout, 'manifest' | 'manifestSum'>;

/** Longer than a run is between the two files, of which it writes one after the other. */
const WRITING_MS = 300;

/** Reads the manifest that a dataset directory keeps; what is wrong with the copy is said, not thrown. */
export async function readKept(
  layout: KeptFiles,
  { sleep }: Pick<Clock, 'sleep'> = systemClock,
): Promise<Kept> {
  const kept = await readOnce(layout);
  if (kept.kind !== 'unusable') return kept;
  // Runs on other shards, which have begun at the same time, may be writing the same copy.
  await sleep(WRITING_MS);
  return readOnce(layout);
}

async function readOnce(layout: KeptFiles): Promise<Kept> {
  try {
    const sum = await readSum(layout.manifestSum);
    if ((await pathKind(layout.manifest)) === 'nothing') {
      return sum === undefined ? { kind: 'none' } : { kind: 'unusable', why: 'it is gone' };
    }
    const loaded = await readManifest(layout.manifest);
    if (sum === sha256Of(loaded.text)) return { kind: 'kept', ...loaded };
    const why =
      sum === undefined ? 'its SHA-256 is gone' : 'its SHA-256 is not the one kept with it';
    return { kind: 'unusable', why };
  } catch (error) {
    if (!isCcxriError(error)) throw error;
    return { kind: 'unusable', why: error.message };
  }
}

/** undefined: there is none, or what is there is none. @throws CcxriError of the disk */
async function readSum(path: string): Promise<string | undefined> {
  try {
    if ((await pathKind(path)) !== 'file') return undefined;
    return /^[0-9a-f]{64}(?=\s)/.exec(await readFile(path, 'latin1'))?.[0];
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw toDiskError(error, 'read', { path });
  }
}

export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function isSameManifest(one: Manifest, other: Manifest): boolean {
  return isDeepStrictEqual(one, other);
}

/** What the manifest of a run is decided by. */
interface ManifestChoice {
  readonly manifest?: Manifest | undefined;
  readonly manifestText?: string | undefined;
  /** Absent: no dataset directory is concerned. */
  readonly dest?: string | undefined;
  readonly onEvent?: EventListener | undefined;
}

/**
 * The manifest of a run: the one given, else the one that the dataset directory keeps, else the bundled
 * one. A copy that can't be used is a warning.
 * @throws CcxriError `manifest-invalid`; of the disk
 */
export async function resolveManifest(choice: ManifestChoice): Promise<LoadedManifest> {
  const { manifest, dest, onEvent = ignoreEvents } = choice;
  if (manifest !== undefined) {
    return { manifest, text: choice.manifestText ?? manifestText(manifest) };
  }
  if (dest === undefined) return readManifest();
  const layout = layoutOf(dest);
  const kept = await readKept(layout);
  if (kept.kind === 'kept') return kept;
  const bundled = await readManifest();
  if (kept.kind === 'unusable') {
    const path = toPrintable(layout.manifest, 4096);
    const message = `${path}, the manifest that the directory keeps, can't be used: ${kept.why}; that of ${releaseOf(bundled.manifest)} is used`;
    const next = [{ kind: 'option', option: 'manifest', purpose: 'if it was another' }] as const;
    onEvent({ event: 'warning', code: 'manifest', message, next });
  }
  return bundled;
}

/** How a manifest without a file is kept. */
export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** `CC-CXRI 2.0` */
export function releaseOf({ dataset, version }: Manifest): string {
  return toPrintable(`${dataset} ${version}`, 160);
}

interface Keeper {
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly manifest: Manifest;
  /** What `manifest` was read from. */
  readonly manifestText: string;
  readonly onEvent: EventListener;
}

/**
 * Keeps the manifest of a run in the dataset directory, as it was read, with its SHA-256. Where files here
 * passed for another one that is kept, and this one does not have them, that one stays. It never fails: the
 * copy is a convenience.
 */
export async function keepManifest(keeper: Keeper): Promise<void> {
  const { layout, manifest, manifestText: text, onEvent } = keeper;
  try {
    const kept = await readKept(layout);
    if (kept.kind === 'kept' && isSameManifest(kept.manifest, manifest)) return;
    // Earlier versions kept none: most of their directories are of the bundled one.
    const before = kept.kind === 'kept' ? kept.manifest : await loadManifest();
    if ((await countLacking(before, keeper)) > 0) return;
    await writeFileAtomic(layout.manifest, text);
    await writeFileAtomic(layout.manifestSum, `${sha256Of(text)}  manifest.json\n`);
  } catch (error) {
    if (!isCcxriError(error) || error.code === 'aborted') throw error;
    const message = `the manifest is not kept in the directory: ${error.message}`;
    onEvent({ event: 'warning', code: 'manifest', message });
  }
}

/** How many files here are those of another manifest, and not of this one. */
async function countLacking(
  other: Manifest,
  { ledger, layout, manifest }: Keeper,
): Promise<number> {
  let lacking = 0;
  for (const theirs of other.files) {
    const ours = manifest.files.find(({ name }) => name === theirs.name);
    if (ours?.md5 === theirs.md5) continue;
    const receipt = await ledger.readReceipt(theirs.name);
    // Without a receipt it may be theirs.
    const mayBeTheirs =
      receipt === undefined
        ? (await statOrNull(finalPathOf(layout, theirs))) !== null
        : fitsManifest(theirs, receipt);
    const isOurs = ours !== undefined && receipt !== undefined && fitsManifest(ours, receipt);
    if (mayBeTheirs && !isOurs) lacking += 1;
  }
  return lacking;
}
