import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { layoutOf, type DatasetLayout } from '../dataset/layout.ts';
import { Ledger } from '../dataset/ledger.ts';
import { writeFileAtomic } from '../fs/atomic.ts';
import { CcxriError, errnoOf, isCcxriError, toDiskError } from '../errors.ts';
import { loadManifest } from '../manifest/load.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import { demoManifestOf } from './demo-directory.ts';

/**
 * Makes a directory the demo's, by putting the made-up release's manifest under .ccxri/. Made-up
 * archives bear real names: among real ones they would replace them, and be taken for them.
 * @returns the manifest's path
 * @throws CcxriError `usage` where something else lies, or real files have been fetched into an
 *   earlier demo's directory; of the disk
 */
export async function claimDirectory(dest: string, manifest: Manifest): Promise<string> {
  const layout = layoutOf(dest);
  const path = demoManifestOf(layout);
  const earlier = await readEarlier(path);
  const isFree =
    earlier === undefined ? await isEmpty(layout) : await isDemosOnly(layout, earlier, manifest);
  if (!isFree) {
    throw new CcxriError('usage', `${toPrintable(dest, 4096)} holds something else than a demo`, {
      path: dest,
      expected: 'no such directory, an empty one, or that of an earlier demo',
      kept: 'everything, unchanged',
      next: [
        { kind: 'option', option: 'dest', purpose: 'to give the demo a directory of its own' },
      ],
    });
  }
  await writeFileAtomic(path, `${JSON.stringify(manifest, null, 2)}\n`);
  return path;
}

/** The MD5s of the demo that was here before; undefined: none was. */
async function readEarlier(path: string): Promise<readonly string[] | undefined> {
  try {
    return (await loadManifest(path)).files.map(({ md5 }) => md5);
  } catch (error) {
    // Absent, or of a form that this version does not read: not known to be a demo's.
    if (isCcxriError(error, 'manifest-invalid')) return undefined;
    throw error;
  }
}

/** Nothing but what a demo leaves that was stopped before it had put its manifest there. */
async function isEmpty({ root, state }: DatasetLayout): Promise<boolean> {
  const entries = await list(root);
  if (entries.length === 0) return true;
  if (entries.some((name) => join(root, name) !== state)) return false;
  return (await list(state)).every((name) => name.endsWith('.tmp'));
}

/** Whether no file with a demo's name has passed as anything but the demo's. */
async function isDemosOnly(
  layout: DatasetLayout,
  earlier: readonly string[],
  manifest: Manifest,
): Promise<boolean> {
  const ledger = new Ledger(layout.ledger);
  const known = new Set([...earlier, ...manifest.files.map(({ md5 }) => md5)]);
  for (const { name } of manifest.files) {
    const receipt = await ledger.readReceipt(name);
    if (receipt !== undefined && !known.has(receipt.md5)) return false;
  }
  return true;
}

async function list(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw toDiskError(error, 'look into', { path });
  }
}
