import { imageKeyOf, membersFor } from '../fetch/plan-images.ts';
import { type Candidate, CHOICE_LABELS, hasLabel } from '../labels/image-choice.ts';
import { compareArchives, viralClass } from '../labels/join.ts';
import type { MadeChoice } from '../labels/make-choice.ts';
import { archiveFacts } from '../labels/scan.ts';
import { type Manifest, subsetNames } from '../manifest/manifest.ts';
import { mergeRanges } from '../ranges/merge-ranges.ts';
import { type ArchiveListing, rangeOf } from '../zip/listing.ts';
import type {
  ArchiveChoice,
  ChosenImage,
  ImageCounts,
  QueryResult,
  SubsetImages,
} from './types.ts';

/** Of an archive; undefined: no member index of it is kept. */
type Listings = ReadonlyMap<string, ArchiveListing | undefined>;

/** Counts a choice by label, subset and archive. Pure. @param listings by stem */
export function countChoice(
  made: MadeChoice,
  manifest: Manifest,
  listings: Listings,
): Omit<QueryResult, 'dest' | 'list'> {
  const archives = toArchives(made, manifest, listings);
  const rows = archives.map(({ row }) => row);
  const { fitting, controlsAvailable, labels, unknownPatients, unknownImages, remarks } = made;
  return {
    ...countImages(made),
    fitting,
    controlsAvailable,
    labels,
    subsets: toSubsets(made, manifest),
    archives: rows,
    bytes: sumOf(rows.map(({ bytes }) => bytes)),
    requests: sumOf(rows.map(({ requests }) => requests)),
    unknownPatients,
    unknownImages,
    notInArchive: archives.flatMap(({ absent }) => absent),
    remarks,
  };
}

type Chosen = Pick<MadeChoice, 'images' | 'controls'>;

function countImages({ images, controls }: Chosen): ImageCounts {
  const patients = new Set(images.map(({ patientId }) => patientId));
  return { images: images.length, patients: patients.size, controls: controls.length };
}

/** Those of the chosen images that are in an archive, or in one of several. */
function within({ images, controls }: Chosen, stems: ReadonlySet<string>): Chosen {
  const isIn = ({ archive }: Candidate) => stems.has(archive);
  return { images: images.filter(isIn), controls: controls.filter(isIn) };
}

function toSubsets(made: Chosen, manifest: Manifest): readonly SubsetImages[] {
  const archives = archiveFacts(manifest);
  const rows = subsetNames(manifest)
    .filter((subset) => subset !== 'all')
    .map((subset) => {
      const own = archives.filter(({ subsets }) => subsets.includes(subset));
      return { subset, ...countImages(within(made, new Set(own.map(({ stem }) => stem)))) };
    });
  return rows.filter(({ images, controls }) => images + controls > 0);
}

interface CountedArchive {
  readonly row: ArchiveChoice;
  /** Chosen images that its member index does not have. */
  readonly absent: readonly string[];
}

function toArchives(
  { images, controls }: Chosen,
  manifest: Manifest,
  listings: Listings,
): readonly CountedArchive[] {
  const groups = { images: byArchive(images), controls: byArchive(controls) };
  return [...archiveFacts(manifest)]
    .sort((a, b) => compareArchives(a.stem, b.stem))
    .flatMap(({ file, stem, subsets }) => {
      const own = {
        images: groups.images.get(stem) ?? [],
        controls: groups.controls.get(stem) ?? [],
      };
      const all = [...own.images, ...own.controls];
      if (all.length === 0) return [];
      const listing = listings.get(stem);
      const { cost, absent } = costOf(all, listing);
      return [{ row: { file, subsets, ...countImages(own), ...cost }, absent }];
    });
}

function byArchive(candidates: readonly Candidate[]): ReadonlyMap<string, readonly Candidate[]> {
  const groups = new Map<string, Candidate[]>();
  for (const each of candidates) {
    const group = groups.get(each.archive);
    if (group === undefined) groups.set(each.archive, [each]);
    else group.push(each);
  }
  return groups;
}

interface Cost {
  readonly cost: Pick<ArchiveChoice, 'bytes' | 'requests'>;
  readonly absent: readonly string[];
}

function costOf(chosen: readonly Candidate[], listing: ArchiveListing | undefined): Cost {
  if (listing === undefined) return { cost: { bytes: null, requests: null }, absent: [] };
  const members = membersFor(chosen, listing);
  const requests = mergeRanges(members.map(rangeOf));
  const bytes = requests.reduce((sum, { length }) => sum + length, 0);
  const found = new Set(members.map(({ path }) => imageKeyOf(path)));
  const absent = chosen.filter(({ image }) => !found.has(image));
  return {
    cost: { bytes, requests: requests.length },
    absent: absent.map(({ archive, image }) => `${archive}/${image}`),
  };
}

function sumOf(numbers: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const each of numbers) {
    if (each === null) return null;
    sum += each;
  }
  return sum;
}

/** The images, then the controls, each with what is known of it. */
export function toList(made: Chosen, manifest: Manifest): readonly ChosenImage[] {
  const files = new Map(archiveFacts(manifest).map((each) => [each.stem, each]));
  const toRow = (candidate: Candidate, control: boolean): ChosenImage => {
    const { archive, image, patientId, bits, covid, group } = candidate;
    const { file = `${archive}.zip`, subsets = [] } = files.get(archive) ?? {};
    const isKnown = bits !== null || covid !== null;
    const labels = CHOICE_LABELS.filter((label) => hasLabel(candidate, label) === true);
    return {
      ...{ image, file, subsets, patientId, control },
      class: group === 'Viral' ? viralClass(covid) : group,
      labels: isKnown ? labels : null,
    };
  };
  return [
    ...made.images.map((each) => toRow(each, false)),
    ...made.controls.map((each) => toRow(each, true)),
  ];
}
