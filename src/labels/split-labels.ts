import type { ImageClass, IndexRow } from './join.ts';
import { LABEL_COLUMNS, type LabelColumn } from './label-names.ts';

/** A label, or a class of CC-CXRI-P. */
export type SplitLabel = LabelColumn | ImageClass;

/** What a split is balanced by. */
export const SPLIT_LABELS: readonly SplitLabel[] = [
  ...LABEL_COLUMNS,
  'COVID-19',
  'Normal',
  'Viral',
  'Other',
];

/** Bits of SPLIT_LABELS. */
export interface SplitBits {
  /** Labels that an image has. */
  readonly has: number;
  /** Labels of which it is known whether the image has them. */
  readonly known: number;
}

const CHEST = 2 ** LABEL_COLUMNS.length - 1;
const COVID = bitOf('COVID-19');
const CLASSES = bitOf('Normal') | bitOf('Viral') | bitOf('Other');

export function bitOf(label: SplitLabel): number {
  return 1 << SPLIT_LABELS.indexOf(label);
}

export function splitBitsOf(row: Pick<IndexRow, 'labels' | 'covid' | 'class'>): SplitBits {
  const ofClass = row.class === null ? 0 : bitOf(row.class);
  return {
    has: (row.labels ?? 0) | ofClass | (row.covid === true ? COVID : 0),
    known:
      (row.labels === null ? 0 : CHEST) |
      (row.covid === null ? 0 : COVID) |
      (row.class === null ? 0 : CLASSES),
  };
}
