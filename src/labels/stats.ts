import { CHOICE_LABELS, type ChoiceLabel } from './image-choice.ts';
import type { ArchiveImages, ImageCheck, ImageClass, IndexRow } from './join.ts';

/** How often a label is met. */
export interface LabelStats {
  /** The label, as index.csv names it. */
  readonly label: ChoiceLabel;
  /** Images that have it. */
  readonly images: number;
  /** Patients with such an image. */
  readonly patients: number;
  /** Images of which it is known whether they have it. */
  readonly known: number;
}

/** Counts of some images. */
export interface GroupStats {
  /** How many there are. */
  readonly images: number;
  /** Patients that they are of. */
  readonly patients: number;
  /** The labels that are known of one of them or more, in the order of index.csv. */
  readonly labels: readonly LabelStats[];
}

/** Counts of a subset. */
export interface SubsetStats extends GroupStats {
  /** Its name. */
  readonly subset: string;
  /** Its archives whose images are here. */
  readonly archives: number;
  /** Its images by how they were checked, as the column `check` of index.csv says it. */
  readonly checks: Readonly<Record<ImageCheck, number>>;
}

/** How many images have two labels both. */
export interface LabelPair {
  /** One label. */
  readonly label: ChoiceLabel;
  /** Another one, later in the order of index.csv. */
  readonly other: ChoiceLabel;
  /** Images that have both. */
  readonly images: number;
}

/** What the images that are here are like, as their labels say it. */
export interface ImageStats extends GroupStats {
  /** Archives whose images are here. */
  readonly archives: number;
  /** Images by how they were checked, as the column `check` of index.csv says it. */
  readonly checks: Readonly<Record<ImageCheck, number>>;
  /** Images of each class; `none`: ChestDx, ChestDx-PE, and viral images without a tag. */
  readonly classes: Readonly<Record<ImageClass | 'none', number>>;
  /** Of each subset that has an image here. */
  readonly subsets: readonly SubsetStats[];
  /** How many patients have how many images, the fewest first. */
  readonly imagesPerPatient: readonly {
    /** Images of a patient. */
    readonly images: number;
    /** Patients who have so many. */
    readonly patients: number;
  }[];
  /** Labels that are met together, in the order of index.csv. */
  readonly pairs: readonly LabelPair[];
}

const COVID_BIT = 1 << CHOICE_LABELS.indexOf('COVID-19');
/** CHOICE_LABELS begins with LABEL_COLUMNS: a row's bits are as they are. */
const BITS = CHOICE_LABELS.map((label, at) => ({ label, bit: 1 << at }));

interface Patient {
  images: number;
  /** The labels of any of them. */
  mask: number;
}

/** Counts some images. Sets of labels repeat: a row costs no more than finding its own. */
class Group {
  #images = 0;
  #known = 0;
  #covidKnown = 0;
  readonly #masks = new Map<number, number>();
  readonly #patients = new Map<string, Patient>();
  readonly #checks = { verified: 0, 'content-checked': 0, 'crc-checked': 0, named: 0, resized: 0 };

  add({ labels, covid, patientId, check }: IndexRow): void {
    const mask = (labels ?? 0) | (covid === true ? COVID_BIT : 0);
    this.#images += 1;
    this.#checks[check] += 1;
    if (labels !== null) this.#known += 1;
    if (covid !== null) this.#covidKnown += 1;
    this.#masks.set(mask, (this.#masks.get(mask) ?? 0) + 1);
    if (patientId === '') return;
    const patient = this.#patients.get(patientId);
    if (patient === undefined) this.#patients.set(patientId, { images: 1, mask });
    else {
      patient.images += 1;
      patient.mask |= mask;
    }
  }

  finish(): GroupStats & Pick<SubsetStats, 'checks'> {
    const labels = BITS.map(({ label, bit }) => ({
      label,
      images: this.#having(bit),
      patients: countOf(this.#patients.values(), ({ mask }) => (mask & bit) !== 0),
      known: bit === COVID_BIT ? this.#covidKnown : this.#known,
    })).filter(({ known }) => known > 0);
    const { size: patients } = this.#patients;
    return { images: this.#images, patients, labels, checks: this.#checks };
  }

  pairs(): readonly LabelPair[] {
    return BITS.flatMap(({ label, bit }, at) =>
      BITS.slice(at + 1).map((other) => {
        return { label, other: other.label, images: this.#having(bit | other.bit) };
      }),
    ).filter(({ images }) => images > 0);
  }

  imagesPerPatient(): ImageStats['imagesPerPatient'] {
    const counts = new Map<number, number>();
    for (const { images } of this.#patients.values()) {
      counts.set(images, (counts.get(images) ?? 0) + 1);
    }
    return [...counts]
      .sort(([a], [b]) => a - b)
      .map(([images, patients]) => ({ images, patients }));
  }

  /** Images that have all labels of these bits. */
  #having(bits: number): number {
    let sum = 0;
    for (const [mask, images] of this.#masks) if ((mask & bits) === bits) sum += images;
    return sum;
  }
}

function countOf<T>(all: Iterable<T>, fits: (each: T) => boolean): number {
  let sum = 0;
  for (const each of all) if (fits(each)) sum += 1;
  return sum;
}

/** Counts the rows of an index, an archive at a time. No I/O. */
export class StatsCounter {
  readonly #all = new Group();
  readonly #subsets = new Map<string, { readonly group: Group; archives: number }>();
  readonly #classes = { Normal: 0, Viral: 0, 'COVID-19': 0, Other: 0, none: 0 };
  #archives = 0;

  add({ subsets }: Pick<ArchiveImages, 'subsets'>, rows: readonly IndexRow[]): void {
    this.#archives += 1;
    const groups = [this.#all, ...subsets.map((subset) => this.#groupOf(subset))];
    for (const row of rows) {
      this.#classes[row.class ?? 'none'] += 1;
      for (const group of groups) group.add(row);
    }
  }

  finish(): ImageStats {
    return {
      ...this.#all.finish(),
      archives: this.#archives,
      classes: this.#classes,
      subsets: [...this.#subsets].map(([subset, { group, archives }]) => {
        return { subset, archives, ...group.finish() };
      }),
      imagesPerPatient: this.#all.imagesPerPatient(),
      pairs: this.#all.pairs(),
    };
  }

  /** Called once for each archive of the subset. */
  #groupOf(subset: string): Group {
    const found = this.#subsets.get(subset) ?? { group: new Group(), archives: 0 };
    found.archives += 1;
    this.#subsets.set(subset, found);
    return found.group;
  }
}
