import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toDiskError } from '../errors.ts';
import { loadManifest } from '../manifest/load.ts';
import type { Manifest } from '../manifest/manifest.ts';

/** Made by scripts/demo-release.ts; lies beside the bundled manifest, in the package too. */
const DIRECTORY = fileURLToPath(new URL('../../manifests/demo', import.meta.url));

export interface DemoRelease {
  readonly manifest: Manifest;
  /** The archives, label files and the page (index.html), by name. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/**
 * The synthetic release of the demo: archives of every group, 86 drawn images, about 150 KB in all.
 * @throws CcxriError of the disk
 */
export async function loadDemoRelease(): Promise<DemoRelease> {
  const manifest = await loadManifest(join(DIRECTORY, 'manifest.json'));
  try {
    const names = await readdir(DIRECTORY);
    const files = await Promise.all(
      names.map(async (name) => [name, await readFile(join(DIRECTORY, name))] as const),
    );
    return { manifest, files: new Map(files) };
  } catch (error) {
    throw toDiskError(error, 'read the demo release in', { path: DIRECTORY });
  }
}
