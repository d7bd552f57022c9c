import { type IndexRow, patientOf, toImageKey } from '../labels/join.ts';
import { ExampleCounter } from '../labels/label-names.ts';
import { patientKey } from '../labels/split.ts';
import type { PartsOfImages } from './read-parts.ts';
import type { SplitCheck } from './types.ts';

interface ImageInParts {
  readonly patient: string;
  readonly parts: ReadonlySet<string>;
}

/** Looks for patients and images in two parts of a split. Pure. */
export class LeakSearch {
  readonly #listed: PartsOfImages;
  readonly #found = new Set<string>();
  readonly #images: ImageInParts[] = [];
  readonly #twice = new ExampleCounter();
  readonly #unknown = new ExampleCounter();
  readonly #inNone = new ExampleCounter();

  constructor(listed: PartsOfImages) {
    this.#listed = listed;
  }

  /** @param row of an image that is here */
  add(row: IndexRow): void {
    const image = toImageKey(row.image);
    const place = `${row.archive}/${image}`;
    // A list may name its archive, or not, or both.
    const names = [place, image].filter((name) => this.#listed.has(name));
    const parts = new Set(names.flatMap((name) => [...(this.#listed.get(name) ?? [])]));
    if (parts.size === 0) this.#inNone.add(place);
    else this.#addImage(place, { patient: patientKey(row), parts });
    for (const name of names) this.#found.add(name);
  }

  finish(): Omit<SplitCheck, 'files'> {
    for (const [name, parts] of this.#listed) {
      if (this.#found.has(name)) continue;
      this.#unknown.add(name);
      // Its name says the patient, also of an image that is not here.
      const image = name.slice(name.lastIndexOf('/') + 1);
      this.#addImage(name, { patient: patientKey({ patientId: patientOf(image), image }), parts });
    }
    const partsOf = this.#partsOfPatients();
    const divided = new ExampleCounter();
    for (const [patient, parts] of partsOf) if (parts.size > 1) divided.add(patient);
    const patientsInTwoParts = divided.examples();
    return {
      leaks: patientsInTwoParts.count > 0,
      images: this.#images.length,
      patients: partsOf.size,
      ...countParts(this.#images, partsOf),
      patientsInTwoParts,
      imagesInTwoParts: this.#twice.examples(),
      unknown: this.#unknown.examples(),
      inNone: this.#inNone.examples(),
    };
  }

  #addImage(name: string, image: ImageInParts): void {
    this.#images.push(image);
    if (image.parts.size > 1) this.#twice.add(name);
  }

  #partsOfPatients(): ReadonlyMap<string, ReadonlySet<string>> {
    const partsOf = new Map<string, Set<string>>();
    for (const { patient, parts } of this.#images) {
      const all = partsOf.get(patient) ?? new Set();
      partsOf.set(patient, all);
      for (const part of parts) all.add(part);
    }
    return partsOf;
  }
}

/** How large each part is, and how many of its images have a patient who is in another part, too. */
function countParts(
  images: readonly ImageInParts[],
  partsOf: ReadonlyMap<string, ReadonlySet<string>>,
): Pick<SplitCheck, 'parts' | 'beside'> {
  // By part and other part; a part beside itself is the whole of it.
  const tallies = new Map<string, Map<string, Tally>>();
  for (const { patient, parts } of images) {
    for (const part of parts) {
      const row = tallies.get(part) ?? new Map<string, Tally>([[part, new Tally()]]);
      tallies.set(part, row);
      for (const other of partsOf.get(patient) ?? []) {
        row.set(other, (row.get(other) ?? new Tally()).add(patient));
      }
    }
  }
  const sizes = [...tallies].map(([part, row]) => {
    const all = [...row].map(([other, tally]) => ({ part, other, ...tally.sizes() }));
    const { images = 0, patients = 0 } = all.find(({ other }) => other === part) ?? {};
    const beside = all.filter(({ other }) => other !== part);
    return {
      part: { part, images, patients },
      beside: beside.map((each) => ({ ...each, share: each.images / images })),
    };
  });
  return {
    parts: sizes.map(({ part }) => part),
    beside: sizes.flatMap(({ beside }) => beside),
  };
}

class Tally {
  #images = 0;
  readonly #patients = new Set<string>();

  add(patient: string): this {
    this.#images += 1;
    this.#patients.add(patient);
    return this;
  }

  sizes(): { readonly images: number; readonly patients: number } {
    return { images: this.#images, patients: this.#patients.size };
  }
}
