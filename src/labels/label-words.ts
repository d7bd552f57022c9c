import { LABEL_COLUMNS, toFieldName } from './label-names.ts';

/** A column of index.csv, and the subsets whose images it is about. */
export interface LabelMeant {
  readonly label: string;
  readonly subsets: readonly string[];
}

const COVID = /^(?:covid|sars|corona)/i;

/**
 * The label that somebody means who types it where a subset is taken: labels are columns of index.csv,
 * and no archive has the images of one alone. undefined: it is no label.
 */
export function labelMeant(typed: string): LabelMeant | undefined {
  if (COVID.test(typed)) return { label: 'COVID-19', subsets: ['viral'] };
  const name = toFieldName(typed);
  const label = LABEL_COLUMNS.find((each) => each === name);
  return label === undefined ? undefined : { label, subsets: ['chestdx', 'chestdx-pe'] };
}
