import { LABEL_COLUMNS, type LabelColumn, noLabels } from '../labels/label-names.ts';
import type { ExportRow } from './types.ts';

/** A row as data, with the columns of index.csv and the same keys in each; null: not known, or not meant for it. */
export type ExportRecord = Readonly<
  {
    image: string;
    archive: string;
    subset: string;
    class: string | null;
    patient_id: string;
  } & Record<LabelColumn | 'COVID-19', number | null> & { check: string; split?: string }
>;

/** `split` comes last, and only where there is one. One object for each row: there are 162,000. */
export function toRecord({ row, split }: ExportRow): ExportRecord {
  const { image, archive, subset, patientId, labels, covid, check } = row;
  const names = { image, archive, subset, class: row.class, patient_id: patientId };
  const flags: Record<LabelColumn | 'COVID-19', number | null> = noLabels();
  for (let at = 0; at < LABEL_COLUMNS.length; at += 1) {
    const label = LABEL_COLUMNS[at];
    if (label !== undefined) flags[label] = labels === null ? null : (labels >> at) & 1;
  }
  flags['COVID-19'] = covid === null ? null : Number(covid);
  return split === undefined ? { ...names, ...flags, check } : { ...names, ...flags, check, split };
}

/**
 * The same for loaders that guess the type of a column from the first rows, in each split anew: `null` has no
 * type. Not known is -1 there, as for labels that are missing; of a class it is an empty text.
 */
export function toTypedRecord(row: ExportRow): Readonly<Record<string, string | number>> {
  const cells = Object.entries(toRecord(row)).map(([name, value]) => {
    return [name, value ?? (name === 'class' ? '' : -1)] as const;
  });
  return Object.fromEntries(cells);
}
