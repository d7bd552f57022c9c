import { join } from 'node:path';
import { isSameManifest, readKept } from '../dataset/kept-manifest.ts';
import { layoutOf, type DatasetLayout } from '../dataset/layout.ts';
import { pathKind } from '../fs/paths.ts';
import { isCcxriError } from '../errors.ts';
import { loadManifest } from '../manifest/load.ts';

/** The file that makes a dataset directory a demo's. */
export function demoManifestOf({ state }: Pick<DatasetLayout, 'state'>): string {
  return join(state, 'demo-manifest.json');
}

/**
 * Whether a dataset directory is that of a demo: its files are served by `ccxri demo` alone. What can't be
 * read is reported by the command that needs it.
 */
export async function isDemoDirectory(dest: string): Promise<boolean> {
  const layout = layoutOf(dest);
  const path = demoManifestOf(layout);
  try {
    if ((await pathKind(path)) !== 'file') return false;
    const kept = await readKept(layout);
    return kept.kind === 'kept' && isSameManifest(kept.manifest, await loadManifest(path));
  } catch (error) {
    if (isCcxriError(error)) return false;
    throw error;
  }
}
