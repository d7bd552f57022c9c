import type { Session } from '../dataset/session.ts';
import { statusOf } from '../dataset/survey.ts';
import { describeRemark } from '../labels/describe-remark.ts';
import type { Remark } from '../labels/remarks.ts';
import type { Candidate } from '../labels/image-choice.ts';
import { groupOf } from '../labels/join.ts';
import type { MadeChoice } from '../labels/make-choice.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { stoppedOutcome } from './fetch-file.ts';
import type { FetchOutcome, FetchPlan, FetchedImages } from './fetch-types.ts';
import type { PlanChoices } from './plan.ts';
import { type ImagesTask, workOfImages } from './plan-images.ts';

/** What of a fetch of chosen images is known before it begins. */
export interface PlannedFetch {
  readonly made: MadeChoice;
  readonly tasks: readonly ImagesTask[];
  readonly plan: FetchPlan;
}

/** @param labels number of label files, which are here by then */
export function emitImagesPlan(
  { tasks, plan }: PlannedFetch,
  { labels, choices }: { readonly labels: number; readonly choices: PlanChoices },
  { onEvent }: Session,
): void {
  const { images, steps, ...sizes } = plan;
  const withAction = (...actions: readonly string[]) =>
    steps.filter(({ action }) => actions.includes(action)).length;
  onEvent({
    event: 'plan',
    files: steps.length + labels,
    toDownload: withAction('download', 'resume', 'images'),
    toExtract: withAction('extract'),
    alreadyDone: withAction('done') + labels,
    bytesToDownload: sizes.bytesToDownload,
    about: sizes.about,
    toRemove: steps.filter(({ removes }) => removes).length,
    bytesToRemove: sizes.bytesToRemove,
    bytesNeededOnDisk: sizes.bytesNeededOnDisk,
    bytesFreeOnDisk: sizes.bytesFreeOnDisk,
    work: tasks.flatMap((task) => workOfImages(task, choices)),
    images,
  });
}

/** Of a dry run: archives whose images are not known, each with its event. */
export function failuresOf({ tasks }: PlannedFetch, session: Session): readonly FetchOutcome[] {
  const failures = tasks.flatMap(({ chosen: { survey, here, error }, kind }) => {
    if (kind !== 'failed' || error === undefined) return [];
    const outcome = stoppedOutcome(survey.file, statusOf(survey));
    return [{ ...outcome, did: 'failed', images: here.size, error } as const];
  });
  for (const failure of failures) session.emitDone(failure);
  return failures;
}

/**
 * What has come of the choice. What does not add up is emitted, too.
 * @param outcomes empty: nothing was to be done, so that what was here before is what is here
 */
export function summarizeImages(
  { made, tasks, plan }: PlannedFetch,
  outcomes: readonly FetchOutcome[],
  { manifest, onEvent }: Session,
): FetchedImages {
  const absent = tasks.flatMap((task) => absentIn(task, outcomes));
  const remarks = [...made.remarks, ...absentRemarks(absent, manifest)];
  for (const remark of remarks) {
    const { file } = remark;
    onEvent({ event: 'warning', code: 'join-remark', file, message: describeRemark(remark) });
  }
  const hereBefore = tasks.map(({ chosen }) => chosen.here.size);
  const here = outcomes.length === 0 ? hereBefore : outcomes.map(({ images = 0 }) => images);
  return {
    images: plan.images?.images ?? 0,
    here: here.reduce((sum, n) => sum + n, 0),
    notInArchive: absent.map(placeOf),
    unknownPatients: made.unknownPatients,
    unknownImages: made.unknownImages,
    remarks,
  };
}

/** What was seen when they were fetched is newer than what a kept index has said. */
function absentIn(
  { chosen: { images, listed }, step: { file } }: ImagesTask,
  outcomes: readonly FetchOutcome[],
): readonly Candidate[] {
  const seen = outcomes.find((outcome) => outcome.file === file)?.notInArchive;
  if (seen === undefined) return listed?.absent ?? [];
  return images.filter((candidate) => seen.includes(placeOf(candidate)));
}

export function placeOf({ archive, image }: Candidate): string {
  return `${archive}/${image}`;
}

/** Rows of images that their archives do not have, by label file. */
function absentRemarks(absent: readonly Candidate[], manifest: Manifest): readonly Remark[] {
  const labelFiles = manifest.files.filter(({ kind }) => kind === 'labels');
  return labelFiles.flatMap(({ name: file, subsets }) => {
    const isOfFile = ({ subset, group }: Candidate) =>
      subsets.includes(subset) && group === groupOf(subsets);
    const places = absent.filter(isOfFile).map(placeOf);
    if (places.length === 0) return [];
    const examples = places.slice(0, 5);
    return [{ kind: 'row-without-image', file, count: places.length, examples, strict: true }];
  });
}
