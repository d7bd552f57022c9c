import { layoutOf } from '../dataset/layout.ts';
import { assertOutputFile } from '../fs/output-file.ts';
import { CcxriError } from '../errors.ts';
import { isEmptySelection, selectFiles } from '../manifest/select.ts';
import { assertDirectory } from '../dataset/assert-directory.ts';
import { buildIndex, type IndexResult } from './build-index.ts';
import type { RunOptions } from '../dataset/run-options.ts';

export interface JoinOptions extends RunOptions {
  /**
   * Where to write the index. Default: index.csv in the dataset directory. Given, the dataset is
   * only read, and `selection` narrows the index to its archives; index.csv itself always describes
   * every image that is here.
   */
  readonly output?: string;
  /** Join and audit, but write nothing. */
  readonly dryRun?: boolean;
}

/**
 * Writes index.csv: one row an image that is here, with what the label files that are here say.
 * No network.
 * @throws CcxriError `missing`: no such directory, no images in it, or not the label file that
 *   index.csv was made with; `usage`: a selection without
 *   `output`, or an output that is no file; `unknown-subset`, `unknown-file`; `labels-invalid`;
 *   of the disk; `aborted`
 */
export async function joinDataset(options: JoinOptions): Promise<IndexResult> {
  const { manifest, dest, selection, output, dryRun, signal, onEvent } = options;
  const narrowed = selection !== undefined && !isEmptySelection(selection);
  if (narrowed) selectFiles(manifest, selection);
  if (narrowed && output === undefined) {
    throw new CcxriError('usage', 'index.csv describes every image here, not a selection', {
      hint: 'leave --subset and --file away, or write the part to a file of its own: --output FILE',
    });
  }
  await assertDirectory(dest);
  if (output !== undefined) await assertOutputFile(output);
  return buildIndex({
    layout: layoutOf(dest),
    manifest,
    ...(narrowed ? { selection } : {}),
    ...(output === undefined ? {} : { output }),
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(signal === undefined ? {} : { signal }),
    ...(onEvent === undefined ? {} : { onEvent }),
  });
}
