import { type FileSurvey, knownSizeOf } from '../dataset/survey.ts';
import type { CcxriError } from '../errors.ts';
import type { PlannedImages, PlannedLabel, PlannedWork } from '../events.ts';
import { CHOICE_LABELS, type Candidate, hasLabel } from '../labels/image-choice.ts';
import { isImagePath, toImageKey } from '../labels/join.ts';
import { sumSizes } from '../manifest/size.ts';
import { mergeRanges } from '../ranges/merge-ranges.ts';
import type { Source } from '../sources/source.ts';
import { type ArchiveListing, type ListedMember, rangeOf } from '../zip/listing.ts';
import type { ByteRange } from '../zip/reader.ts';
import type { FetchPlan, FetchStep } from './fetch-types.ts';
import {
  type FetchTask,
  type PlanChoices,
  decideStep,
  keptBytesOf,
  planFetch,
  workOf,
} from './plan.ts';

/** What of a choice is in one archive. */
export interface ChosenArchive {
  readonly survey: FileSurvey;
  /** The images that are meant; controls among them. */
  readonly images: readonly Candidate[];
  /** The names of those that are here. */
  readonly here: ReadonlySet<string>;
  /** What the archive has of them. Absent: all are here, or it could not be read. */
  readonly listed?: ListedImages | undefined;
  /** Why its directory could not be read. */
  readonly error?: CcxriError | undefined;
}

/** Images of a choice, as the archive that they are in lists them. */
export interface ListedImages {
  /** Length of the archive. */
  readonly archiveBytes: number;
  /** Whether its bytes are on a disk of this machine. */
  readonly isLocal: boolean;
  /** Where this run has read what the archive lists. Absent: an earlier one has, or the archive is here. */
  readonly source?: Source | undefined;
  /** By offset. */
  readonly members: readonly ListedMember[];
  /** Of `members`, those that are not here. */
  readonly missing: readonly ListedMember[];
  /** Images that are meant, and that the archive does not have. */
  readonly absent: readonly Candidate[];
  /** Images are here that the ledger does not know, or knows to have been damaged. */
  readonly needsRecord: boolean;
  /** Bytes of the archive that an earlier run has fetched. */
  readonly stored: readonly ByteRange[];
}

/** What is to be done for the images of one archive. */
export type ImagesTask = { readonly chosen: ChosenArchive; readonly step: FetchStep } & (
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: CcxriError }
  /** The whole archive, as a fetch of it does. */
  | { readonly kind: 'whole' }
  /** These members of it. */
  | { readonly kind: 'members'; readonly listed: ListedImages; readonly cost: Cost }
);

/** What has to come over the line. */
interface Cost {
  readonly bytes: number;
  readonly requests: number;
}

/** Of an archive of which more is wanted, the whole is fetched. */
const MOST_OF_ARCHIVE = 0.5;
const NOTHING: Cost = { bytes: 0, requests: 0 };

/** What to do for the images of one archive; of a refused one, the whole may be fetched. Pure. */
export function decideImages(chosen: ChosenArchive, choices: PlanChoices): ImagesTask {
  const { survey, images, here, listed, error } = chosen;
  const whole = decideStep(survey, choices);
  const single = { ...whole, keptBytes: 0, removes: false } as const;
  const missing = images.length - here.size;
  if (error !== undefined) {
    return error.code === 'ranges-refused'
      ? { chosen, kind: 'whole', step: { ...whole, images: missing } }
      : { chosen, kind: 'failed', error, step: { ...single, action: 'images', images: missing } };
  }
  if (listed === undefined || (listed.missing.length === 0 && !listed.needsRecord)) {
    return { chosen, kind: 'done', step: { ...single, action: 'done', images: 0 } };
  }
  const cost = costOf(listed);
  const counted = { images: new Set(listed.missing.map(({ path }) => imageKeyOf(path))).size };
  if (isCheaperWhole(listed, cost, survey)) {
    return { chosen, kind: 'whole', step: { ...whole, ...counted } };
  }
  const step = { ...single, action: 'images', ...counted, imageBytes: cost.bytes } as const;
  return { chosen, kind: 'members', listed, cost, step };
}

/** What an archive lists of the images that are meant, by offset. */
export function membersFor(
  images: readonly Candidate[],
  listing: Pick<ArchiveListing, 'members'>,
): readonly ListedMember[] {
  const wanted = new Set(images.map(({ image }) => image));
  return listing.members
    .filter(({ path }) => isImagePath(path) && wanted.has(imageKeyOf(path)))
    .sort((a, b) => a.headerStart - b.headerStart);
}

/** The name by which the image of a path and its row find each other. */
export function imageKeyOf(path: string): string {
  return toImageKey(path.slice(path.lastIndexOf('/') + 1));
}

function costOf({ isLocal, missing, stored }: ListedImages): Cost {
  if (isLocal) return NOTHING;
  const isStored = ({ start, length }: ByteRange) =>
    stored.some((each) => each.start <= start && start + length <= each.start + each.length);
  const merged = mergeRanges(missing.map(rangeOf).filter((range) => !isStored(range)));
  return { bytes: sum(merged.map(({ length }) => length)), requests: merged.length };
}

/** Also where so much of the archive is here that the rest is less than the images. */
function isCheaperWhole(
  { archiveBytes, missing }: ListedImages,
  { bytes }: Cost,
  survey: FileSurvey,
): boolean {
  if (bytes === 0) return false;
  const wanted = sum(missing.map((member) => rangeOf(member).length));
  return wanted > MOST_OF_ARCHIVE * archiveBytes || bytes >= archiveBytes - keptBytesOf(survey);
}

/** What a fetch of chosen images is going to do. Pure. */
export function planImages(
  tasks: readonly ImagesTask[],
  controls: ReadonlySet<Candidate>,
  {
    choices,
    bytesFreeOnDisk,
  }: { readonly choices: PlanChoices; readonly bytesFreeOnDisk: number | null },
): FetchPlan {
  const wholes = tasks.filter(({ kind }) => kind === 'whole').map(toFetchTask);
  const { plan } = planFetch(
    wholes.map(({ survey }) => survey),
    choices,
    bytesFreeOnDisk,
  );
  const images = toPlannedImages(tasks, controls);
  const unpacked = sum(tasks.map(unpackedBytes));
  return {
    ...plan,
    steps: tasks.map(({ step }) => step),
    bytesToDownload: plan.bytesToDownload + images.bytes,
    bytesNeededOnDisk: plan.bytesNeededOnDisk + images.bytes + unpacked,
    images,
  };
}

function toFetchTask({ chosen: { survey }, step }: ImagesTask): FetchTask {
  return { survey, step };
}

function unpackedBytes(task: ImagesTask): number {
  return task.kind === 'members' ? sum(task.listed.missing.map(({ size }) => size)) : 0;
}

/** Everything that has to be done for the images of an archive, in its order. */
export function workOfImages(
  task: ImagesTask,
  choices: Pick<PlanChoices, 'extract'>,
): readonly PlannedWork[] {
  if (task.kind === 'whole') return workOf(toFetchTask(task), choices);
  if (task.kind !== 'members') return [];
  const { file, subsets } = task.step;
  const extract = { file, subsets, phase: 'extract', bytes: unpackedBytes(task) } as const;
  const { bytes } = task.cost;
  return bytes === 0 ? [extract] : [{ file, subsets, phase: 'download', bytes }, extract];
}

function toPlannedImages(
  tasks: readonly ImagesTask[],
  controls: ReadonlySet<Candidate>,
): PlannedImages {
  const all = tasks.flatMap(({ chosen }) => chosen.images);
  const costs = tasks.map((task) => (task.kind === 'members' ? task.cost : NOTHING));
  const absent = tasks.filter(
    ({ chosen: { survey }, kind }) => survey.final === 'absent' && kind !== 'done',
  );
  const { bytes: bytesOfWholeArchives, about } = sumSizes(
    absent.map(({ chosen: { survey } }) => knownSizeOf(survey)),
  );
  return {
    images: all.length,
    controls: controls.size,
    imagesHere: sum(tasks.map(({ chosen }) => chosen.here.size)),
    patients: new Set(all.map(({ patientId }) => patientId)).size,
    archives: tasks.length,
    requests: sum(costs.map(({ requests }) => requests)),
    bytes: sum(costs.map(({ bytes }) => bytes)),
    wholeArchives: tasks.filter(({ kind }) => kind === 'whole').length,
    bytesOfWholeArchives,
    about,
    labels: countByLabel(tasks, controls),
  };
}

function countByLabel(
  tasks: readonly ImagesTask[],
  controls: ReadonlySet<Candidate>,
): readonly PlannedLabel[] {
  const images = new Map<string, number>();
  const bytes = new Map<string, number>();
  for (const task of tasks) {
    const lengths = lengthsOf(task);
    for (const candidate of task.chosen.images) {
      if (controls.has(candidate)) continue;
      for (const label of CHOICE_LABELS) {
        if (hasLabel(candidate, label) !== true) continue;
        images.set(label, (images.get(label) ?? 0) + 1);
        bytes.set(label, (bytes.get(label) ?? 0) + (lengths.get(candidate.image) ?? 0));
      }
    }
  }
  return CHOICE_LABELS.flatMap((label) => {
    const count = images.get(label) ?? 0;
    return count === 0 ? [] : [{ label, images: count, bytes: bytes.get(label) ?? 0 }];
  });
}

/** By image, what comes for it alone: gaps that are fetched with it not counted. */
function lengthsOf(task: ImagesTask): ReadonlyMap<string, number> {
  const lengths = new Map<string, number>();
  if (task.kind !== 'members' || task.cost.bytes === 0) return lengths;
  for (const member of task.listed.missing) {
    const image = imageKeyOf(member.path);
    lengths.set(image, (lengths.get(image) ?? 0) + rangeOf(member).length);
  }
  return lengths;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
