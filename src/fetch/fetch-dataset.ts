import { cleanStage } from '../extract/archive.ts';
import { warnOfNesting } from '../dataset/find-dataset.ts';
import { keepManifest } from '../dataset/kept-manifest.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import { type Session, withSession } from '../dataset/session.ts';
import { assertOfThisManifest } from '../dataset/other-manifest.ts';
import { type FileSurvey, surveyFile } from '../dataset/survey.ts';
import { sweepLeftovers } from '../dataset/sweep.ts';
import { CcxriError, isCcxriError, withDetails } from '../errors.ts';
import { freeBytesAt } from '../fs/paths.ts';
import { toProxySettings } from '../http/proxy.ts';
import type { ImageChoice } from '../labels/image-choice.ts';
import { isEmptySelection } from '../manifest/manifest.ts';
import { assertWithinLimit } from './byte-limit.ts';
import { fetchFile } from './fetch-file.ts';
import { fetchImages } from './fetch-images.ts';
import { joinIfWanted } from './join-fetched.ts';
import { fetchWithLittleDisk } from './low-disk.ts';
import { imageSizesOf, withPeak } from './low-disk-plan.ts';
import type { FetchOptions, FetchOutcome, FetchPlan, FetchResult } from './fetch-types.ts';
import {
  type FetchTask,
  assertRoom,
  isTooSmall,
  planFetch,
  spaceSteps,
  withUsefulPart,
  workOf,
} from './plan.ts';
import { assertSameSize, resizerOf } from './image-size.ts';
import { choicesOf, withDownloads } from './with-downloads.ts';

/**
 * Downloads, checks, extracts and joins what is selected; what is there already is left alone, and
 * what was interrupted is resumed. A file that fails is an outcome; the others go on.
 * @throws CcxriError `nothing-selected`, `too-many-bytes`, `unknown-subset`, `unknown-file`, `source-unusable`,
 * `other-manifest`: files of the selection are here of another manifest; `usage`: `dest` is among the images or archives
 * of another dataset directory, or is in one of the same name,
 * `not-writable`, `locked`, `disk-space` before anything is downloaded; `aborted`
 */
export async function fetchDataset(options: FetchOptions): Promise<FetchResult> {
  const { dest, dryRun = false } = options;
  const { images } = options;
  if (isEmptySelection(options.selection ?? {}) && (images === undefined || !isNarrow(images))) {
    throw nothingSelected();
  }
  if (images !== undefined && options.shard !== undefined) throw noShardOfImages();
  // Before anything else: it is wrong whatever there is to do.
  toProxySettings(options.env ?? {});
  assertLittleDiskMakesSense(options);
  const resizer = await resizerOf(options);
  await warnOfNesting(options);
  return withSession(options, { lock: !dryRun }, async (session) => {
    if (images !== undefined) return fetchImages({ ...options, images }, session);
    if (!dryRun) {
      // First: what killed runs have left takes the room that the plan asks for.
      await cleanStage(session.layout);
      await sweepLeftovers(session.layout);
    }
    const { tasks, plan } = await makePlan(session, options);
    const result = { dest, dryRun, ...(session.shard && { shard: session.shard }), plan };
    if (dryRun) {
      return { ...result, outcomes: [], bytesDownloaded: 0, elapsedMs: session.elapsedMs() };
    }
    await assertRoom(plan, options, choicesOf(options));
    return withDownloads({ session, options, tasks, resizer }, async (run) => {
      await keepManifest(session);
      const settled = await (options.lowDisk === true
        ? fetchWithLittleDisk(tasks, run)
        : session.forEachFile(tasks, (task) => fetchFile(task, run)));
      const outcomes = withoutLabelFiles(await withSpaceNeeded(settled, session, options));
      const index = await joinIfWanted(session, options, outcomes);
      const { bytesReceived: bytesDownloaded } = run.meter;
      return { ...result, outcomes, ...index, bytesDownloaded, elapsedMs: session.elapsedMs() };
    });
  });
}

/** @throws CcxriError `usage` */
function assertLittleDiskMakesSense({ lowDisk, extract, images }: FetchOptions): void {
  if (lowDisk !== true || (extract !== false && images === undefined)) return;
  const message =
    images === undefined
      ? 'archives that are not extracted can not be deleted one after the other'
      : 'single images come without their archives: there is nothing to delete on the way';
  throw new CcxriError('usage', message, {
    next: [{ kind: 'advice', text: 'leave out what asks for little disk (lowDisk, --low-disk)' }],
  });
}

/** Without such a condition a choice is nearly everything: 43 GB are never fetched by accident. */
function isNarrow({ labels, patients, images, limit, perLabel }: ImageChoice): boolean {
  return (
    labels.length > 0 || [patients, images, limit, perLabel].some((each) => each !== undefined)
  );
}

function noShardOfImages(): CcxriError {
  return new CcxriError('usage', 'single images are chosen over all archives, not over a shard', {
    next: [{ kind: 'advice', text: 'choose them without a shard, or fetch whole archives' }],
  });
}

function nothingSelected(): CcxriError {
  return new CcxriError('nothing-selected', 'say what to fetch: nothing is fetched by accident', {
    next: [
      {
        kind: 'run',
        command: 'fetch',
        subsets: ['chestdx'],
        or: { kind: 'option', option: 'file', value: 'ChestDx-22' },
      },
    ],
  });
}

async function makePlan(
  session: Session,
  options: FetchOptions,
): Promise<{ readonly tasks: readonly FetchTask[]; readonly plan: FetchPlan }> {
  const { manifest, layout } = session;
  const { sources = [] } = options;
  const typed = sources.length > 0 ? sources : [manifest.homepage];
  const found = await session.survey();
  const surveys = await Promise.all(
    found.map((survey) => withUsefulPart(survey, { sources: typed, layout })),
  );
  await assertOfThisManifest(surveys, session);
  assertSameSize(surveys, options);
  const planned = await planOf(surveys, options, session.layout);
  emitPlan(session, planned, choicesOf(options));
  const { bytesToDownload: bytes, about } = planned.plan;
  assertWithinLimit({ bytes, about }, options.maxBytes);
  return planned;
}

async function planOf(
  surveys: readonly FileSurvey[],
  options: FetchOptions,
  layout: DatasetLayout,
): Promise<ReturnType<typeof planFetch>> {
  const planned = planFetch(surveys, choicesOf(options), await freeBytesAt(options.dest));
  if (options.lowDisk !== true) return planned;
  const { tasks, plan } = planned;
  const images = await imageSizesOf(surveys, { layout, resize: options.resize });
  return { tasks, plan: withPeak(plan, tasks, images) };
}

function emitPlan(
  { onEvent }: Session,
  { tasks, plan }: { readonly tasks: readonly FetchTask[]; readonly plan: FetchPlan },
  choices: { readonly extract: boolean },
): void {
  const withAction = (...actions: readonly string[]) =>
    plan.steps.filter((step) => actions.includes(step.action)).length;
  onEvent({
    event: 'plan',
    files: plan.steps.length,
    toDownload: withAction('download', 'resume'),
    toExtract: withAction('extract'),
    alreadyDone: withAction('done'),
    bytesToDownload: plan.bytesToDownload,
    about: plan.about,
    toRemove: plan.steps.filter(({ removes }) => removes).length,
    bytesToRemove: plan.bytesToRemove,
    bytesNeededOnDisk: plan.bytesNeededOnDisk,
    bytesFreeOnDisk: plan.bytesFreeOnDisk,
    ...(plan.peak && { peak: plan.peak }),
    work: tasks.flatMap((task) => workOf(task, choices)),
  });
}

/** Where the disk is full: how much more than what is free the rest of the run needs. */
async function withSpaceNeeded(
  outcomes: readonly FetchOutcome[],
  session: Session,
  options: FetchOptions,
): Promise<readonly FetchOutcome[]> {
  const isFull = ({ error }: FetchOutcome) => isCcxriError(error, 'disk-full', 'disk-space');
  if (!outcomes.some(isFull)) return outcomes;
  const surveys: FileSurvey[] = [];
  // Not by the session, which has been stopped by the full disk.
  for (const file of session.files) surveys.push(await surveyFile(file, session));
  const { plan } = await planOf(surveys, options, session.layout);
  if (!isTooSmall(plan)) return outcomes;
  const next = spaceSteps(plan);
  return outcomes.map((outcome) => {
    const { error } = outcome;
    return error !== undefined && isFull(outcome)
      ? { ...outcome, error: withDetails(error, { next, cause: error.cause }) }
      : outcome;
  });
}

/** Where no source has a label file, and all have the archives: those can be fetched alone. */
function withoutLabelFiles(outcomes: readonly FetchOutcome[]): readonly FetchOutcome[] {
  const isAbsent = ({ error }: FetchOutcome) =>
    isCcxriError(error, 'file-not-at-source', 'no-link');
  const archives = outcomes.filter(({ kind }) => kind === 'archive');
  if (archives.length === 0 || archives.some(isAbsent)) return outcomes;
  return outcomes.map((outcome) => {
    const { error } = outcome;
    if (outcome.kind !== 'labels' || error === undefined || !isAbsent(outcome)) return outcome;
    const [or, ...more] = error.next;
    const next = [{ kind: 'option', option: 'no-labels', or }, ...more] as const;
    return { ...outcome, error: withDetails(error, { next, cause: error.cause }) };
  });
}
