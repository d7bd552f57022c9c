/**
 * The 14 labels in the field's names (NIH ChestX-ray14, torchxrayvision), alphabetical: the order
 * of index.csv. A row of chest_dx.csv is kept as a number with bit i for label i.
 */
export const LABELS = [
  'Atelectasis',
  'Cardiomegaly',
  'Consolidation',
  'Edema',
  'Effusion',
  'Emphysema',
  'Fibrosis',
  'Hernia',
  'Infiltration',
  'Mass',
  'Nodule',
  'Pleural_Thickening',
  'Pneumonia',
  'Pneumothorax',
] as const;

export const NO_FINDING = 'No_Finding';

/** The columns of a row's bits, from bit 0 on. */
export const LABEL_COLUMNS = [...LABELS, NO_FINDING] as const;

export type LabelColumn = (typeof LABELS)[number] | typeof NO_FINDING;

/** Every label, COVID-19 too, with a count of 0. */
export function noLabels(): Record<LabelColumn | 'COVID-19', number> {
  return {
    Atelectasis: 0,
    Cardiomegaly: 0,
    Consolidation: 0,
    Edema: 0,
    Effusion: 0,
    Emphysema: 0,
    Fibrosis: 0,
    Hernia: 0,
    Infiltration: 0,
    Mass: 0,
    Nodule: 0,
    Pleural_Thickening: 0,
    Pneumonia: 0,
    Pneumothorax: 0,
    No_Finding: 0,
    'COVID-19': 0,
  };
}

/** The bit of No_Finding; all bits below it are labels. */
export const NO_FINDING_BIT = 1 << LABELS.length;

/** Without case and what separates words: `No Finding`, `no_finding` and `No_finding` are one. */
export function foldColumn(column: string): string {
  return column.toLowerCase().replace(/[\s_-]+/g, '');
}

/** Every column of a label file that is read, in ccxri's spelling. */
const COLUMNS: ReadonlyMap<string, string> = new Map(
  ['image', 'zip', 'COVID-19', ...LABEL_COLUMNS].map((column) => [foldColumn(column), column]),
);

/** ccxri's name of a column, however it is spelled; any other name is returned without blanks around it. */
export function toFieldName(column: string): string {
  return COLUMNS.get(foldColumn(column)) ?? column.trim();
}

/** No_Finding together with another label: at most one of the two can be true. */
export function isContradictory(bits: number): boolean {
  return (bits & NO_FINDING_BIT) !== 0 && bits !== NO_FINDING_BIT;
}

/** How many, and the first few of them. */
export interface Examples {
  /** How often it was met. */
  readonly count: number;
  /** The first of them, five at most. */
  readonly examples: readonly string[];
}

const MOST = 5;

/** Counts without end, remembers five: 162,000 images without a row must not fill a report. */
export class ExampleCounter {
  #count = 0;
  readonly #examples: string[] = [];

  add(example: string): void {
    this.#count += 1;
    if (this.#examples.length < MOST) this.#examples.push(example);
  }

  addAll({ count, examples }: Examples): void {
    this.#count += count;
    this.#examples.push(...examples.slice(0, MOST - this.#examples.length));
  }

  examples(): Examples {
    return { count: this.#count, examples: [...this.#examples] };
  }
}
