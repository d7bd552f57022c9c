import {
  type Kept,
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

/** The manifest that was typed, and the one that the dataset directory keeps: each is read once. */
export class ManifestChoice {
  readonly #typed = new Map<string, Promise<LoadedManifest>>();
  readonly #kept = new Map<string, Promise<Kept>>();

  /**
   * The manifest that a command works by: what was typed, else what the dataset directory keeps, else the
   * bundled one. Where what was typed is not the one that is kept, a warning names both.
   * @throws CcxriError `manifest-invalid`; of the disk
   */
  async choose({ typed, dest }: Choice, onEvent: EventListener): Promise<LoadedManifest> {
    if (typed === undefined) return resolveManifest({ dest, onEvent });
    const loaded = await once(this.#typed, typed, readManifest);
    const kept = await this.#keptBy(dest);
    if (kept.kind === 'kept' && !isSameManifest(kept.manifest, loaded.manifest)) {
      const [ours, theirs] = [loaded, kept].map(describe);
      const message = `${toPrintable(typed, 4096)} (${ours}) is used, not the manifest that ${toPrintable(dest, 4096)} keeps (${theirs})`;
      onEvent({ event: 'warning', code: 'manifest', message });
    }
    return loaded;
  }

  /** The options of a run that suggested commands repeat: without the manifest, where the directory keeps it. */
  async carried(flags: RawOptions, dest: string): Promise<RawOptions> {
    const { manifest: typed, ...others } = flags;
    if (typeof typed !== 'string') return flags;
    try {
      const kept = await this.#keptBy(dest);
      if (kept.kind !== 'kept') return flags;
      const { manifest } = await once(this.#typed, typed, readManifest);
      return isSameManifest(kept.manifest, manifest) ? others : flags;
    } catch (error) {
      // It has been reported as the error of the run.
      if (isCcxriError(error)) return flags;
      throw error;
    }
  }

  #keptBy(dest: string): Promise<Kept> {
    return once(this.#kept, dest, () => readKept(layoutOf(dest)));
  }
}

function once<T>(
  known: Map<string, Promise<T>>,
  path: string,
  read: (path: string) => Promise<T>,
): Promise<T> {
  const reading = known.get(path) ?? read(path);
  known.set(path, reading);
  return reading;
}

function describe({ manifest, text }: LoadedManifest): string {
  return `${releaseOf(manifest)}, SHA-256 ${sha256Of(text).slice(0, 12)}…`;
}
