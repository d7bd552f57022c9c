import { SPLIT_LABELS, type SplitBits, type SplitLabel } from './split-labels.ts';

/** A part of a split, and what is in it. */
export interface SplitPart {
  /** Its name. */
  readonly part: string;
  /** The share of the patients that it was to get. Null of a part that others decide: `holdout`. */
  readonly share: number | null;
  /** Its images. */
  readonly images: number;
  /** The patients that they are of. */
  readonly patients: number;
  /** How frequent each label is in it: those that a patient of any part has. */
  readonly labels: readonly LabelShare[];
}

/** How frequent a label is among patients. */
export interface LabelShare {
  /** The label, or the class of CC-CXRI-P. */
  readonly label: SplitLabel;
  /** Images that have it. */
  readonly images: number;
  /** Patients with such an image. */
  readonly patients: number;
  /** Patients of whom it is known whether they have it. */
  readonly known: number;
  /** `patients` of `known`. Null where `known` is 0. */
  readonly share: number | null;
  /** The lower end of the 95 % confidence interval of `share` (Wilson). Null where `known` is 0. */
  readonly low: number | null;
  /** Its upper end. Null where `known` is 0. */
  readonly high: number | null;
}

/** Counts patients and images of the parts of a split. Pure. */
export class SplitBalance {
  readonly #tallies: ReadonlyMap<string, Tally>;

  /** @param shares of each part; null: it has none */
  constructor(shares: ReadonlyMap<string, number | null>) {
    this.#tallies = new Map([...shares].map(([part, share]) => [part, new Tally(share)]));
  }

  addPatient(part: string, bits: SplitBits): void {
    this.#tallies.get(part)?.addPatient(bits);
  }

  addImage(part: string, { has }: SplitBits): void {
    this.#tallies.get(part)?.addImage(has);
  }

  finish(): readonly SplitPart[] {
    const all = [...this.#tallies.values()];
    const met = SPLIT_LABELS.filter((_, bit) => all.some((each) => each.hasAny(bit)));
    return [...this.#tallies].map(([part, tally]) => ({ part, ...tally.finish(met) }));
  }
}

class Tally {
  readonly #share: number | null;
  readonly #labels = SPLIT_LABELS.map(() => ({ images: 0, patients: 0, known: 0 }));
  #images = 0;
  #patients = 0;

  constructor(share: number | null) {
    this.#share = share;
  }

  addPatient({ has, known }: SplitBits): void {
    this.#patients += 1;
    for (const [bit, counts] of this.#labels.entries()) {
      if ((known & (1 << bit)) !== 0) counts.known += 1;
      if ((has & (1 << bit)) !== 0) counts.patients += 1;
    }
  }

  addImage(has: number): void {
    this.#images += 1;
    for (const [bit, counts] of this.#labels.entries()) {
      if ((has & (1 << bit)) !== 0) counts.images += 1;
    }
  }

  hasAny(bit: number): boolean {
    return (this.#labels[bit]?.patients ?? 0) > 0;
  }

  finish(labels: readonly SplitLabel[]): Omit<SplitPart, 'part'> {
    return {
      share: this.#share,
      images: this.#images,
      patients: this.#patients,
      labels: labels.map((label) => {
        const none = { images: 0, patients: 0, known: 0 };
        const counts = this.#labels[SPLIT_LABELS.indexOf(label)] ?? none;
        return { label, ...counts, ...wilson(counts.patients, counts.known) };
      }),
    };
  }
}

/** 97.5 % of a normal distribution lie below it. */
const Z = 1.959963984540054;

/**
 * A share with its 95 % confidence interval (E. B. Wilson, 1927): unlike the usual one it holds for few
 * patients and for shares near 0.
 */
export function wilson(hits: number, of: number): Pick<LabelShare, 'share' | 'low' | 'high'> {
  if (of === 0) return { share: null, low: null, high: null };
  const share = hits / of;
  const scale = 1 + (Z * Z) / of;
  const middle = share + (Z * Z) / (2 * of);
  const half = Z * Math.sqrt((share * (1 - share)) / of + (Z * Z) / (4 * of * of));
  return {
    share,
    low: hits === 0 ? 0 : (middle - half) / scale,
    high: hits === of ? 1 : (middle + half) / scale,
  };
}
