import { layoutOf } from './dataset/layout.ts';
import { resolveManifest } from './dataset/kept-manifest.ts';
import { assertDirectory } from './dataset/session.ts';
import { describeDataset } from './description/write-description.ts';
import { CcxriError } from './errors.ts';
import { assertOutputFile } from './fs/paths.ts';
import { type IndexResult, type JoinOptions, buildIndex } from './labels/build-index.ts';
import type { LabelsHere } from './labels/join.ts';
import { type Manifest, isEmptySelection, selectFiles } from './manifest/manifest.ts';

/**
 * Writes index.csv: one row an image that is here, with what the label files that are here say; and, beside
 * it, croissant.json, datapackage.json and CITATION.cff, which describe the dataset. No network.
 * @throws CcxriError `missing`: no such directory, no images in it, or not the label file that
 *   index.csv was made with; `usage`: a selection without
 *   `output`, or an output that is no file; `unknown-subset`, `unknown-file`; `labels-invalid`;
 *   of the disk; `aborted`
 */
export async function joinDataset(options: JoinOptions): Promise<IndexResult> {
  const { dest, selection, output } = options;
  const { manifest } = await resolveManifest(options);
  const narrowed = selection !== undefined && !isEmptySelection(selection);
  if (narrowed) selectFiles(manifest, selection);
  if (narrowed && output === undefined) {
    throw new CcxriError('usage', 'index.csv describes every image here, not a selection', {
      next: [
        {
          kind: 'advice',
          text: 'leave out the selection',
          or: { kind: 'option', option: 'output', value: 'FILE', purpose: 'to write the part' },
        },
      ],
    });
  }
  await assertDirectory(dest);
  if (output !== undefined) await assertOutputFile(output);
  return buildDescribedIndex({ ...options, manifest });
}

/**
 * Writes index.csv, and beside it the files that describe the dataset directory.
 * @throws CcxriError as `buildIndex`, `describeDataset`
 */
export async function buildDescribedIndex(
  options: JoinOptions & { readonly manifest: Manifest },
  labelsHere?: LabelsHere,
): Promise<IndexResult> {
  const result = await buildIndex(options, labelsHere);
  if (options.output === undefined && options.dryRun !== true) {
    await describeDataset(layoutOf(options.dest), options.manifest, result, options);
  }
  return result;
}
