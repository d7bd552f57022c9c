import { LABEL_COLUMNS } from '../labels/label-names.ts';
import { quoteCell } from '../labels/write.ts';
import { stemOf } from '../manifest/manifest.ts';
import type { ChosenImage } from './types.ts';

/** The columns of index.csv without `path`, for most of these images are not here; and whether it is a control. */
const HEADER = [
  'image',
  'archive',
  'subset',
  'class',
  'patient_id',
  ...LABEL_COLUMNS,
  'COVID-19',
  'control',
].join(',');

/** The images as CSV: UTF-8, LF, RFC 4180. */
export function renderImagesCsv(images: readonly ChosenImage[]): string {
  return [HEADER, ...images.map(renderImage)].map((line) => `${line}\n`).join('');
}

function renderImage(image: ChosenImage): string {
  const { file, subsets, class: group, patientId, labels, control } = image;
  const names = [image.image, stemOf(file), subsets[0] ?? '', group ?? '', patientId];
  const isChest = group === null && !subsets.includes('cc-cxri-p');
  const flags = LABEL_COLUMNS.map((label) =>
    labels === null || !isChest ? '' : toFlag(labels.includes(label)),
  );
  const isViral = group === 'Viral' || group === 'COVID-19';
  const covid = isViral ? toFlag(group === 'COVID-19') : '';
  return [...names.map(quoteCell), ...flags, covid, toFlag(control)].join(',');
}

function toFlag(is: boolean): string {
  return is ? '1' : '0';
}
