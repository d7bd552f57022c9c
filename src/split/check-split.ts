import { resolveManifest } from '../dataset/kept-manifest.ts';
import { assertDirectory } from '../dataset/session.ts';
import { indexRows, openIndexSource } from '../labels/build-index.ts';
import { LeakSearch } from './leaks.ts';
import { readParts } from './read-parts.ts';
import type { CheckSplitOptions, SplitCheck } from './types.ts';

/**
 * Tells whether a split that was made elsewhere leaks: whether a patient is in two of its parts. Writes
 * nothing. No network.
 * @throws CcxriError `usage`: a file is no split; `unknown-subset`, `unknown-file`; `missing`: no images are
 *   here; `labels-invalid`; of the disk; `aborted`
 */
export async function checkSplit(options: CheckSplitOptions): Promise<SplitCheck> {
  const { files, dest, signal } = options;
  const { manifest } = await resolveManifest(options);
  const search = new LeakSearch(await readParts(files, manifest));
  await assertDirectory(dest);
  const source = await openIndexSource({ ...options, manifest, packed: true });
  for await (const { rows } of indexRows(source, signal)) for (const row of rows) search.add(row);
  return { files, ...search.finish() };
}
