import { stat } from 'node:fs/promises';
import { finalPathOf, type DatasetLayout } from '../dataset/layout.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import type { LabelFacts, LabelForm } from './audit.ts';
import type { LabelTables } from './join.ts';
import { readChestLabels, type ChestLabels } from './read-chest.ts';
import { readCovidLabels, type CovidLabels } from './read-covid.ts';
import type { Manifest, ManifestFile } from '../manifest/schema.ts';

interface LabelsHere {
  readonly tables: LabelTables;
  /** Every label file of the manifest, here or not. */
  readonly files: readonly LabelFacts[];
}

/**
 * Reads the label files that are here. One under its final name has passed its check: it is trusted,
 * not hashed again.
 * @throws CcxriError `labels-invalid`; of the disk; `aborted`
 */
export async function readLabels(
  layout: DatasetLayout,
  manifest: Manifest,
  signal?: AbortSignal,
): Promise<LabelsHere> {
  const chest: ChestLabels[] = [];
  const covid: CovidLabels[] = [];
  const files: LabelFacts[] = [];
  for (const file of manifest.files.filter(({ kind }) => kind === 'labels')) {
    const path = finalPathOf(layout, file);
    const form = formOf(file);
    const present = await isFileHere(file.name, path);
    files.push({ file: file.name, subsets: file.subsets, form, present });
    if (!present) continue;
    const source = { file: file.name, path, ...(signal === undefined ? {} : { signal }) };
    if (form === 'covid') covid.push(await readCovidLabels(source));
    else chest.push(await readChestLabels(source));
  }
  return { tables: { chest, covid }, files };
}

/** By the subset, which a manifest of one's own has as well: the tag is for viral pneumonia alone. */
function formOf(file: ManifestFile): LabelForm {
  return file.subsets.includes('viral') ? 'covid' : 'chest';
}

async function isFileHere(file: string, path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isFile()) return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw toDiskError(error, 'read the labels', { file, path });
  }
  throw new CcxriError('labels-invalid', `${path} is there and is no file`, {
    file,
    path,
    expected: 'a CSV file',
    hint: `move it out of the way, then run \`ccxri fetch --file ${file}\``,
  });
}
