import { join } from 'node:path';
import * as z from 'zod';
import { layoutOf } from '../dataset/layout.ts';
import { sha256Of } from '../dataset/kept-manifest.ts';
import { type EventListener, ignoreEvents } from '../events.ts';
import { writeFileAtomic } from '../fs/atomic.ts';
import { readVersion } from '../fs/package-version.ts';
import { assertOutputFile, listOrEmpty } from '../fs/paths.ts';
import { readSmallJson } from '../fs/small-json.ts';
import { compareNames } from '../labels/join.ts';
import { toPrintable, toPrintableJson } from '../text.ts';
import {
  LAYOUT_VERSION,
  canonicalJson,
  manifestSha256,
  md5ListSha256,
  sortFiles,
  toLockedChoice,
} from './content.ts';
import { readIfThere } from './read-lockfile.ts';
import type { LockResult, LockedSplit, Lockfile, LockfileOptions } from './types.ts';

/** Beside the dataset directory, which is a cache for many, and not under version control. */
export function lockfilePathOf(dest: string): string {
  return join(dest, '..', 'ccxri.lock.json');
}

/** What a lockfile says of a selection now. @throws CcxriError of the disk */
export async function makeLockfile(options: LockfileOptions): Promise<Lockfile> {
  const { manifest, dest, images, onEvent = ignoreEvents } = options;
  const files = sortFiles(options.files);
  const { dataset, version } = manifest;
  return {
    lockfileVersion: 1,
    ccxriVersion: readVersion(),
    layoutVersion: LAYOUT_VERSION,
    manifest: { dataset, version, sha256: manifestSha256(manifest) },
    selection: {
      files: files.map(({ name }) => name),
      md5ListSha256: md5ListSha256(files),
      images: images === undefined ? null : toLockedChoice(images),
    },
    labels: files.flatMap(({ name: file, kind, md5 }) =>
      kind === 'labels' ? [{ file, md5 }] : [],
    ),
    splits: await readSplits(dest, onEvent),
  };
}

/**
 * Writes a lockfile: no date and no path, so that it is the same on every machine.
 * @throws CcxriError `usage`: the output is no file; of the disk
 */
export async function writeLockfile(path: string, options: LockfileOptions): Promise<LockResult> {
  await assertOutputFile(path);
  const lockfile = await makeLockfile(options);
  const text = `${toPrintableJson(JSON.stringify(lockfile, null, 2))}\n`;
  const changed = (await readIfThere(path)) !== text;
  if (changed) await writeFileAtomic(path, text, { followsLink: true });
  return { path, changed, lockfile };
}

/** The file beside a split, as `split/sidecar` writes it, with what of it counts here. */
const sidecarSchema = z.object({
  splitVersion: z.literal(1),
  seed: z.string(),
  // Only compared; `z.record` would add 7 KB that every command loads.
  ratios: z.unknown().optional(),
  folds: z.int().optional(),
  stratified: z.boolean(),
  heldOut: z.array(z.string()),
  rows: z.int().nonnegative(),
  sha256: z.string(),
});

const SIDECAR = { maxBytes: 4 * 1024 * 1024, doing: 'read how a split was made' };

async function readSplits(dest: string, onEvent: EventListener): Promise<readonly LockedSplit[]> {
  const directory = join(layoutOf(dest).root, 'splits');
  const names = (await listOrEmpty(directory))
    .flatMap((entry) => (entry.isFile() && entry.name.endsWith('.json') ? [entry.name] : []))
    .sort(compareNames);
  const splits: LockedSplit[] = [];
  for (const each of names) {
    const path = join(directory, each);
    const sidecar = sidecarSchema.safeParse(await readSmallJson(path, SIDECAR));
    if (sidecar.success) splits.push(toLockedSplit(each.slice(0, -'.json'.length), sidecar.data));
    else {
      const message = `${toPrintable(path, 4096)} does not say how a split was made: it is left out`;
      onEvent({ event: 'warning', code: 'lockfile', message });
    }
  }
  return splits;
}

function toLockedSplit(name: string, sidecar: z.output<typeof sidecarSchema>): LockedSplit {
  const { seed, ratios = null, folds = null, stratified, heldOut, rows, sha256 } = sidecar;
  const recipe = canonicalJson({ ratios, folds, stratified, heldOut });
  return { name, seed, recipeSha256: sha256Of(recipe), rows, sha256 };
}
