import { LABEL_COLUMNS } from '../../labels/label-names.ts';
import { imagePath } from '../image-name.ts';
import { toRecord } from '../record.ts';
import type { ExportRow, ExportedSplit, Exporter } from '../types.ts';
import { imageFiles } from './image-files.ts';
import { writeText } from './text-file.ts';

const FOLDER = 'images';

/** The names that MONAI's tools ask for. */
const KEYS: ReadonlyMap<string | undefined, string> = new Map([
  [undefined, 'training'],
  ['train', 'training'],
  ['val', 'validation'],
]);

/** What the numbers of a `label` stand for, in their order. */
const LABEL_NAMES = [...LABEL_COLUMNS, 'COVID-19'] as const;

/** The images in images/, and a datalist in the form of the Medical Segmentation Decathlon, as MONAI reads it. */
export function monaiExporter(): Exporter {
  return {
    ...imageFiles(() => FOLDER),
    finish: (splits, target) => writeText(target, 'datalist.json', datalistOf(splits)),
  };
}

async function* datalistOf(splits: readonly ExportedSplit[]): AsyncGenerator<string> {
  const names = Object.fromEntries(LABEL_NAMES.map((name, at) => [String(at), name]));
  yield `{\n"name": "CC-CXRI",\n"labels": ${JSON.stringify(names)}`;
  const taken = new Set(splits.map(({ split }) => split));
  for (const each of splits) {
    const key = KEYS.get(each.split) ?? each.split ?? '';
    // A split may have such a name itself.
    yield `,\n${JSON.stringify(taken.has(key) ? each.split : key)}: [`;
    let comma = '\n';
    for await (const row of each.rows()) {
      yield `${comma}${JSON.stringify(itemOf(row))}`;
      comma = ',\n';
    }
    yield '\n]';
  }
  yield '\n}\n';
}

/** null: not known. Of a class it is an empty text, which can be put into a batch. */
function itemOf(row: ExportRow): object {
  const { archive, subset, class: group, patient_id, check, ...flags } = toRecord(row);
  const image = `${FOLDER}/${imagePath(row)}`;
  const label = LABEL_NAMES.map((name) => flags[name]);
  return { image, label, class: group ?? '', patient_id, archive, subset, check };
}
