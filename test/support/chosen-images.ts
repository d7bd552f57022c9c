import { join } from 'node:path';
import type { ImageChoice } from '../../src/labels/image-choice.ts';
import type { Manifest } from '../../src/manifest/manifest.ts';
import { destIn, md5Of, run, type RunSetup } from './fetching.ts';
import { makeChestStandIn, type StandIn } from './stand-in.ts';
import { listTree } from './temp-dirs.ts';

/** Images with a label, some of them. */
export function choiceOf(choice: Partial<ImageChoice> = {}): ImageChoice {
  return { labels: ['Pneumonia'], withoutLabels: [], seed: '0', ...choice };
}

/** Three archives of 40 images each, of 4 KB, and one of each group of CC-CXRI-P. */
export async function makeSmallRelease(directory: string): Promise<StandIn> {
  const names = ['ChestDx-1', 'ChestDx-2', 'ChestDx_PE-1', 'Normal-1', 'Viral-1', 'Other-1'];
  const archives = names.map((name) => ({ name, images: 40, topFolder: name === 'ChestDx-2' }));
  return makeChestStandIn(join(directory, 'release'), { archives });
}

/** The manifest, once other bytes were published under these names. */
export function withBytes(
  manifest: Manifest,
  others: Readonly<Record<string, Uint8Array>>,
): Manifest {
  const files = manifest.files.map((file) => {
    const bytes = others[file.name];
    return bytes === undefined ? file : { ...file, md5: md5Of(bytes), bytes: bytes.length };
  });
  return { ...manifest, files };
}

/** Fetches chosen images into `dest`. */
export function runImages(root: string, setup: Omit<RunSetup, 'dest'>) {
  return run({ selection: {}, extract: true, ...setup, dest: destIn(root) });
}

/** The images under a dataset directory, below images/. */
export async function imagesIn(root: string): Promise<readonly string[]> {
  const names = await listTree(join(destIn(root), 'images')).catch(() => []);
  return names.filter((name) => name.endsWith('.jpg')).sort();
}
