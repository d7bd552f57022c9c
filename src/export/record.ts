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

/** The keys in their order. */
const BLANK: ExportRecord = {
  ...{ image: '', archive: '', subset: '', class: null, patient_id: '' },
  ...noLabels(),
  check: '',
};

/**
 * `split` comes last, and only where there is one. A copy that is filled: there are 162,000 rows, and V8 takes ten
 * times as long for an object that is put together of others.
 */
export function toRecord({ row, split }: ExportRow): ExportRecord {
  const { labels, covid } = row;
  const record: { -readonly [K in keyof ExportRecord]: ExportRecord[K] } = { ...BLANK };
  record.image = row.image;
  record.archive = row.archive;
  record.subset = row.subset;
  record.class = row.class;
  record.patient_id = row.patientId;
  for (const [at, label] of LABEL_COLUMNS.entries()) {
    record[label] = labels === null ? null : (labels >> at) & 1;
  }
  record['COVID-19'] = covid === null ? null : Number(covid);
  record.check = row.check;
  if (split !== undefined) record.split = split;
  return record;
}

/**
 * The same for loaders that guess the type of a column from the first rows, in each split anew: `null` has no
 * type. Not known is -1 there, as for labels that are missing; of a class it is an empty text.
 */
export function toTypedRecord(row: ExportRow): Readonly<Record<string, string | number>> {
  const typed: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(toRecord(row))) {
    typed[name] = value ?? (name === 'class' ? '' : -1);
  }
  return typed;
}
