import {
  isSameManifest,
  readKept,
  releaseOf,
  resolveManifest,
  sha256Of,
} from '../dataset/kept-manifest.ts';
import { layoutOf } from '../dataset/layout.ts';
import { isCcxriError } from '../errors.ts';
import type { EventListener } from '../events.ts';
import { type LoadedManifest, readManifest } from '../manifest/load.ts';
import { toPrintable } from '../text.ts';
import type { RawOptions } from './options.ts';

interface Choice {
  /** `--manifest`, or its variable. */
  readonly typed: string | undefined;
  readonly dest: string;
}

/**
 * The manifest that a command works by: what was typed, else what the dataset directory keeps, else the
 * bundled one. Where what was typed is not the one that is kept, a warning names both.
 * @throws CcxriError `manifest-invalid`; of the disk
 */
export async function chooseManifest(
  { typed, dest }: Choice,
  onEvent: EventListener,
): Promise<LoadedManifest> {
  if (typed === undefined) return resolveManifest({ dest, onEvent });
  const loaded = await readManifest(typed);
  const kept = await readKept(layoutOf(dest));
  if (kept.kind === 'kept' && !isSameManifest(kept.manifest, loaded.manifest)) {
    const [ours, theirs] = [loaded, kept].map(describe);
    const message = `${toPrintable(typed, 4096)} (${ours}) is used, not the manifest that ${toPrintable(dest, 4096)} keeps (${theirs})`;
    onEvent({ event: 'warning', code: 'manifest', message });
  }
  return loaded;
}

function describe({ manifest, text }: LoadedManifest): string {
  return `${releaseOf(manifest)}, SHA-256 ${sha256Of(text).slice(0, 12)}…`;
}

/** The options of a run that suggested commands repeat: without the manifest, where the directory keeps it. */
export async function carriedOptions(flags: RawOptions, dest: string): Promise<RawOptions> {
  const { manifest, ...others } = flags;
  if (typeof manifest !== 'string') return flags;
  try {
    const kept = await readKept(layoutOf(dest));
    if (kept.kind !== 'kept') return flags;
    return isSameManifest(kept.manifest, (await readManifest(manifest)).manifest) ? others : flags;
  } catch (error) {
    // It has been reported as the error of the run.
    if (isCcxriError(error)) return flags;
    throw error;
  }
}
