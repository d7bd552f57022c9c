/**
 * The 14 findings in the field's names (NIH ChestX-ray14, torchxrayvision), alphabetical: the order
 * of index.csv. A row of chest_dx.csv is kept as a number with bit i for finding i.
 */
export const FINDINGS = [
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
export const FINDING_COLUMNS = [...FINDINGS, NO_FINDING] as const;

/** The bit of No_Finding; all bits below it are findings. */
export const NO_FINDING_BIT = 1 << FINDINGS.length;

/** Upstream spells two of its columns in its own way. */
const UPSTREAM: ReadonlyMap<string, string> = new Map([
  ['Pleural_thickening', 'Pleural_Thickening'],
  ['No_finding', NO_FINDING],
]);

/** The field's name of an upstream column; any other name is given back as it is. */
export function toFieldName(column: string): string {
  return UPSTREAM.get(column) ?? column;
}

/** No_Finding together with a finding: at most one of the two can be true. */
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
