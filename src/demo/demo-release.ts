import { composeRelease, type Release } from '../release/make-release.ts';
import type { ReleaseSpec } from '../release/release-types.ts';

/** Small archives of every group, with and without the folder inside: about 1 MB, 86 images. */
const DEMO: ReleaseSpec = {
  seed: 'demo',
  dataset: 'CC-CXRI demo (made up)',
  archives: [
    { name: 'ChestDx-1', images: 18, imageSize: 256 },
    { name: 'ChestDx-2', images: 14, imageSize: 256, topFolder: true },
    { name: 'ChestDx_PE-1', images: 14, imageSize: 256 },
    { name: 'Normal-1', images: 10, imageSize: 256 },
    { name: 'Viral-1', images: 12, imageSize: 256, topFolder: true },
    { name: 'Viral-2', images: 8, imageSize: 256 },
    { name: 'Other-1', images: 10, imageSize: 256 },
  ],
};

export interface DemoRelease extends Release {
  /** The archives, label files and the page (index.html), by name. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/**
 * The release of the demo, in memory: nothing is left over wherever it is stopped.
 * @throws CcxriError `aborted`
 */
export async function makeDemoRelease(signal?: AbortSignal): Promise<DemoRelease> {
  const files = new Map<string, Buffer>();
  const release = await composeRelease(
    DEMO,
    async (name, chunks) => {
      const pieces: Buffer[] = [];
      for await (const chunk of chunks) pieces.push(chunk);
      files.set(name, Buffer.concat(pieces));
    },
    signal,
  );
  files.set('index.html', Buffer.from(release.page));
  return { ...release, files };
}
