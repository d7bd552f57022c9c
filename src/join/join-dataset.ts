import { stat } from 'node:fs/promises';
import { layoutOf } from '../disk/layout.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { isEmptySelection, selectFiles } from '../manifest/select.ts';
import { buildIndex, type IndexResult } from '../steps/build-index.ts';
import type { RunOptions } from '../steps/run-options.ts';

export interface JoinOptions extends RunOptions {
  /**
   * Where to write the index. Default: index.csv in the dataset directory. Given, the dataset is
   * only read, and `selection` narrows the index to its archives; index.csv itself always describes
   * every image that is here.
   */
  readonly output?: string;
}

/**
 * Writes index.csv: one row an image that is here, with what the label files that are here say.
 * No network.
 * @throws CcxriError `missing`: no such directory, or no images in it; `usage`: a selection without
 *   `output`, or an output that is no file; `unknown-subset`, `unknown-file`; `labels-invalid`;
 *   of the disk; `aborted`
 */
export async function joinDataset(options: JoinOptions): Promise<IndexResult> {
  const { manifest, dest, selection, output, signal, onEvent } = options;
  const narrowed = selection !== undefined && !isEmptySelection(selection);
  if (narrowed) selectFiles(manifest, selection);
  if (narrowed && output === undefined) {
    throw new CcxriError('usage', 'index.csv describes every image here, not a selection', {
      hint: 'leave --subset and --file away, or write the part to a file of its own: --output FILE',
    });
  }
  await assertDirectory(dest);
  if (output !== undefined) await assertWritableAsFile(output);
  return buildIndex({
    layout: layoutOf(dest),
    manifest,
    ...(narrowed ? { selection } : {}),
    ...(output === undefined ? {} : { output }),
    ...(signal === undefined ? {} : { signal }),
    ...(onEvent === undefined ? {} : { onEvent }),
  });
}

async function assertDirectory(dest: string): Promise<void> {
  if ((await kindOf(dest)) === 'directory') return;
  throw new CcxriError('missing', `there is no dataset directory ${dest}`, {
    path: dest,
    hint: 'name an existing one with --dest DIR, or make it: `ccxri fetch --subset NAME --dest DIR`',
  });
}

/** Asked before the work, as a question of usage; the writer refuses it once more by itself. */
async function assertWritableAsFile(output: string): Promise<void> {
  const kind = await kindOf(output);
  if (kind === 'file' || kind === 'nothing') return;
  throw new CcxriError('usage', `--output ${output} is there and is no file`, {
    path: output,
    expected: 'a file, or nothing',
    hint: 'name a file: --output index.csv',
  });
}

async function kindOf(path: string): Promise<'file' | 'directory' | 'other' | 'nothing'> {
  try {
    const found = await stat(path);
    if (found.isFile()) return 'file';
    return found.isDirectory() ? 'directory' : 'other';
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return 'nothing';
    throw toDiskError(error, 'read', { path });
  }
}
