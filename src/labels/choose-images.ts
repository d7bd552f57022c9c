import {
  CHOICE_LABELS,
  type Candidate,
  type ChoiceLabel,
  type ImageChoice,
  hasLabel,
} from './image-choice.ts';
import { compareArchives, compareNames } from './join.ts';
import { NO_FINDING_BIT } from './label-names.ts';
import { seededRank } from './seeded-rank.ts';

/** The images of a choice. */
export interface ChosenImages {
  /** In the order of index.csv, controls not among them. */
  readonly images: readonly Candidate[];
  /** Images without a finding, in the same order. */
  readonly controls: readonly Candidate[];
  /** Images that fit, before `limit` and `perLabel`. */
  readonly fitting: number;
  /** Images that could be controls. */
  readonly controlsAvailable: number;
  /** Of `images`, by each label that one of them has; the labels of the choice always, in its order. */
  readonly labels: readonly LabelCount[];
  /** Patients of the choice that no candidate is of. */
  readonly unknownPatients: readonly string[];
  /** Images of the choice that no candidate is. */
  readonly unknownImages: readonly string[];
}

/** How many images have a label. */
export interface LabelCount {
  /** The label, as index.csv names it. */
  readonly label: ChoiceLabel;
  /** Chosen images that have it, controls not counted. */
  readonly images: number;
  /** Images that fit and have it, before the limits. */
  readonly fitting: number;
}

/** Makes the choice. Pure: the same candidates, in whatever order, give the same images. */
export function chooseImages(candidates: Iterable<Candidate>, choice: ImageChoice): ChosenImages {
  const fitting: Candidate[] = [];
  const normals: Candidate[] = [];
  const lists = new ListedNames(choice);
  for (const candidate of candidates) {
    const isListed = lists.has(candidate);
    if (isListed && fitsLabels(candidate, choice)) fitting.push(candidate);
    else if ((choice.normals ?? 0) > 0 && isNormal(candidate) && mayBeControl(isListed, choice)) {
      normals.push(candidate);
    }
  }
  const order = new SeededOrder(choice.seed);
  const images = limited(fitting, choice, order);
  const pool = controlsFor(fitting, normals);
  const controls = order.first(pool, choice.normals ?? 0);
  return {
    images: sorted(images),
    controls: sorted(controls),
    fitting: fitting.length,
    controlsAvailable: pool.length,
    labels: countLabels(images, fitting, choice),
    ...lists.unknown(),
  };
}

function fitsLabels(candidate: Candidate, choice: ImageChoice): boolean {
  const { labels, allLabels = false, withoutLabels } = choice;
  const has = (label: ChoiceLabel) => hasLabel(candidate, label) === true;
  if (withoutLabels.some(has)) return false;
  if (labels.length > 0) return allLabels ? labels.every(has) : labels.some(has);
  // Of an image that has no row, nobody knows what it is without.
  return (
    withoutLabels.length === 0 || withoutLabels.some((label) => hasLabel(candidate, label) !== null)
  );
}

function isNormal({ bits, group }: Candidate): boolean {
  return bits === NO_FINDING_BIT || group === 'Normal';
}

/** Where labels pick the images, the lists say among whom; else they are the cases themselves. */
function mayBeControl(isListed: boolean, { labels, withoutLabels }: ImageChoice): boolean {
  return isListed || labels.length + withoutLabels.length === 0;
}

/** From the part of the dataset that the images are from, and of no patient who has one that fits. */
function controlsFor(
  fitting: readonly Candidate[],
  normals: readonly Candidate[],
): readonly Candidate[] {
  const patients = new Set(fitting.map(({ patientId }) => patientId));
  const isOfGroup = ({ group }: Candidate) => group !== null;
  const parts = new Set(fitting.map(isOfGroup));
  return normals.filter((each) => parts.has(isOfGroup(each)) && !patients.has(each.patientId));
}

function limited(
  fitting: readonly Candidate[],
  { labels, limit = Infinity, perLabel }: ImageChoice,
  order: SeededOrder,
): readonly Candidate[] {
  if (perLabel === undefined) return order.first(fitting, limit);
  const picked = new Set<Candidate>();
  for (const label of labels.length > 0 ? labels : CHOICE_LABELS) {
    const having = fitting.filter((each) => hasLabel(each, label) === true);
    for (const each of order.first(having, perLabel)) picked.add(each);
  }
  return order.first([...picked], limit);
}

/** The order in which images are picked: by the SHA-256 of seed and name, so that it is the same everywhere. */
class SeededOrder {
  readonly #seed: string;

  constructor(seed: string) {
    this.#seed = seed;
  }

  first(candidates: readonly Candidate[], most: number): readonly Candidate[] {
    if (candidates.length <= most) return candidates;
    return candidates
      .map((candidate) => ({ candidate, rank: seededRank(this.#seed, candidate.image) }))
      .sort((a, b) => a.rank - b.rank || compareCandidates(a.candidate, b.candidate))
      .slice(0, most)
      .map(({ candidate }) => candidate);
  }
}

function sorted(candidates: readonly Candidate[]): readonly Candidate[] {
  return [...candidates].sort(compareCandidates);
}

function compareCandidates(a: Candidate, b: Candidate): number {
  return compareArchives(a.archive, b.archive) || compareNames(a.image, b.image);
}

function countLabels(
  images: readonly Candidate[],
  fitting: readonly Candidate[],
  choice: ImageChoice,
): readonly LabelCount[] {
  const countIn = (among: readonly Candidate[], label: ChoiceLabel) =>
    among.filter((each) => hasLabel(each, label) === true).length;
  const others = CHOICE_LABELS.filter((label) => !choice.labels.includes(label));
  return [...choice.labels, ...others]
    .map((label) => ({ label, images: countIn(images, label), fitting: countIn(fitting, label) }))
    .filter(({ label, fitting: any }) => any > 0 || choice.labels.includes(label));
}

/** The lists of a choice, and what of them was met. */
class ListedNames {
  readonly #choice: ImageChoice;
  readonly #met = new Set<string>();

  constructor(choice: ImageChoice) {
    this.#choice = choice;
  }

  has({ archive, image, patientId }: Candidate): boolean {
    const { patients, images } = this.#choice;
    const place = `${archive}/${image}`;
    const ofPatient = patients?.has(patientId) ?? true;
    const names = [image, place].filter((name) => images?.has(name));
    for (const name of names) this.#met.add(name);
    if (patients !== undefined && ofPatient) this.#met.add(patientId);
    return ofPatient && (images === undefined || names.length > 0);
  }

  unknown(): Pick<ChosenImages, 'unknownPatients' | 'unknownImages'> {
    const { patients = [], images = [] } = this.#choice;
    const isUnknown = (name: string) => !this.#met.has(name);
    return {
      unknownPatients: [...patients].filter(isUnknown),
      unknownImages: [...images].filter(isUnknown),
    };
  }
}
