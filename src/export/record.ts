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

/** `split` comes last, and only where there is one. */
export function toRecord({ row, split }: ExportRow): ExportRecord {
  const { image, archive, subset, patientId, labels, covid, check } = row;
  const flags = flagsOf(labels);
  const record = {
    ...{ image, archive, subset, class: row.class, patient_id: patientId },
    ...flags,
    'COVID-19': covid === null ? null : Number(covid),
    check,
  };
  return split === undefined ? record : { ...record, split };
}

function flagsOf(labels: number | null): Record<LabelColumn | 'COVID-19', number | null> {
  const flags: Record<LabelColumn | 'COVID-19', number | null> = noLabels();
  for (const [at, label] of LABEL_COLUMNS.entries()) {
    flags[label] = labels === null ? null : (labels >> at) & 1;
  }
  return flags;
}
