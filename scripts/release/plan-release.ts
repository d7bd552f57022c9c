import { groupOf } from './groups.ts';
import { createRandom, shuffled, type Random } from './random.ts';
import {
  CHEST_LABEL_NAMES,
  type ArchiveSpec,
  type ChestLabel,
  type Frequencies,
  type PlannedArchive,
  type ReleaseImage,
  type ReleaseSpec,
} from './release-types.ts';

const DEFAULT_SIZE = 64;
const HEALTHY = 0.4;
const COVID = 0.3;

export interface ReleasePlan {
  readonly archives: readonly PlannedArchive[];
  /** Images that the label files speak of, though no archive holds them. */
  readonly absent: readonly ReleaseImage[];
}

/** Every label about as often, so that a few images show them all. */
const EVEN: Frequencies = { pickLabels, oneMore: () => 0.35, mostImages: () => Infinity };

/** Which images there are, their patients and labels. Pure: the same for a spec, always. */
export function planRelease(spec: ReleaseSpec): ReleasePlan {
  const random = createRandom(`release ${spec.seed}`);
  const frequencies = spec.frequencies ?? EVEN;
  const patients = new PatientNumbers(random, frequencies);
  const plan = (archive: ArchiveSpec): PlannedArchive => ({
    spec: archive,
    images: planImages(archive, { random, frequencies }, patients),
  });
  const archives = spec.archives.map(plan);
  return { archives, absent: (spec.labelsOnly ?? []).flatMap((archive) => plan(archive).images) };
}

function planImages(
  archive: ArchiveSpec,
  { random, frequencies }: { readonly random: Random; readonly frequencies: Frequencies },
  patients: PatientNumbers,
): readonly ReleaseImage[] {
  const { stem, isChest } = groupOf(archive.name);
  const { images, imageSize: size = DEFAULT_SIZE } = archive;
  const names = typeof images === 'number' ? patients.names(archive.name, images) : images;
  return names.map((name) => ({
    name,
    archive: archive.name,
    patient: name.slice(0, name.lastIndexOf('_')),
    size,
    labels: isChest ? frequencies.pickLabels(random) : [],
    covid: stem === 'Viral' && random.next() < COVID,
  }));
}

function pickLabels(random: Random): readonly ChestLabel[] {
  if (random.next() < HEALTHY) return [];
  return shuffled(CHEST_LABEL_NAMES, random).slice(0, 1 + random.int(3));
}

/** Names as the dataset has them; no patient in two archives, no name twice. */
class PatientNumbers {
  readonly #random: Random;
  readonly #frequencies: Frequencies;
  #chest = 10_000_000;
  #pneumonia = 10_000;

  constructor(random: Random, frequencies: Frequencies) {
    this.#random = random;
    this.#frequencies = frequencies;
  }

  names(archive: string, count: number): readonly string[] {
    const { isChest } = groupOf(archive);
    const oneMore = this.#frequencies.oneMore(archive);
    const mostImages = this.#frequencies.mostImages(archive);
    const names: string[] = [];
    let number = this.#next(isChest);
    let image = 0;
    while (names.length < count) {
      names.push(`patient${number}_${String(image).padStart(3, '0')}.jpg`);
      const goesOn = isChest && this.#random.next() < oneMore && image + 1 < mostImages;
      image = goesOn ? image + 1 : 0;
      if (!goesOn) number = this.#next(isChest);
    }
    return names;
  }

  #next(isChest: boolean): number {
    if (isChest) return (this.#chest += 1 + this.#random.int(900));
    return (this.#pneumonia += 1 + this.#random.int(3));
  }
}
