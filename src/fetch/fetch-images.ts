import { type FileSurvey, knownSizeOf, surveyFile } from '../dataset/survey.ts';
import type { Session } from '../dataset/session.ts';
import { assertOfThisManifest } from '../dataset/other-manifest.ts';
import { sweepLeftovers } from '../dataset/sweep.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import { cleanStage } from '../extract/archive.ts';
import { freeBytesAt } from '../fs/paths.ts';
import type { Candidate, ImageChoice } from '../labels/image-choice.ts';
import {
  type ListedNames,
  type MadeChoice,
  labelFilesFor,
  makeChoice,
} from '../labels/make-choice.ts';
import { type ManifestFile, stemOf } from '../manifest/manifest.ts';
import { type Size, sumSizes } from '../manifest/size.ts';
import { assertWithinLimit } from './byte-limit.ts';
import { type LabelFilesHere, withLabelFiles } from './choice-labels.ts';
import { type PlannedFetch, emitImagesPlan, failuresOf, summarizeImages } from './images-report.ts';
import type { FetchOptions, FetchOutcome, FetchResult } from './fetch-types.ts';
import {
  type Listings,
  forEachListed,
  imageNamesIn,
  listNames,
  lookAtArchive,
} from './image-archives.ts';
import { joinIfWanted } from './join-fetched.ts';
import { mayBeRight, obtain } from './obtain.ts';
import { withUsefulPart } from './plan.ts';
import { type ImagesTask, decideImages, planImages } from './plan-images.ts';
import { settleImages } from './settle-images.ts';
import { WholeQuestion } from './whole-question.ts';
import { type FetchRun, choicesOf, prepareDirectories, withDownloads } from './with-downloads.ts';

interface ImageFetchOptions extends FetchOptions {
  readonly images: ImageChoice;
}

/**
 * Fetches chosen images without the rest of their archives, where that is less: label files first, which
 * say in which archives they are.
 * @throws CcxriError as `fetchDataset`; `nothing-chosen`; `too-many-bytes`: before any image comes; `labels-invalid`; `ranges-refused`: no source
 *   serves parts of some archives, and they may not be downloaded whole; of a label file that could not be had
 */
export async function fetchImages(
  options: ImageFetchOptions,
  session: Session,
): Promise<FetchResult> {
  const { dest, dryRun = false, images: choice } = options;
  if (options.extract === false) throw extractsNothing();
  if (!dryRun) {
    await cleanStage(session.layout);
    await sweepLeftovers(session.layout);
  }
  return withDownloads({ session, options, tasks: [] }, async (run) => {
    const files = labelFilesFor(choice, session.files, session.manifest);
    const labelSize = await assertLabelsWithinLimit(files, run);
    return withLabelFiles(files, run, async (labels) => {
      const question = new WholeQuestion(options);
      const planned = await planAll(choice, { labels, question }, run);
      const { plan } = planned;
      emitImagesPlan(planned, { labels: files.length, choices: choicesOf(options) }, session);
      const received = Math.max(run.meter.bytesReceived, labelSize.bytes);
      const bytes = received + plan.bytesToDownload;
      assertWithinLimit({ bytes, about: plan.about || labelSize.about }, options.maxBytes);
      question.expectBytes(bytes);
      const outcomes = dryRun
        ? failuresOf(planned, session)
        : await settleAll(planned, { labels, question }, run);
      const images = summarizeImages(planned, dryRun ? [] : outcomes, session);
      const index = dryRun
        ? {}
        : await joinIfWanted(session, options, outcomes, planned.made.labelsHere);
      const { bytesReceived: bytesDownloaded } = run.meter;
      const elapsedMs = session.elapsedMs();
      return { dest, dryRun, plan, outcomes, images, ...index, bytesDownloaded, elapsedMs };
    });
  });
}

function extractsNothing(): CcxriError {
  const message = 'single images are unpacked as they come: they can not be left in their archives';
  return new CcxriError('usage', message, {
    next: [{ kind: 'advice', text: 'leave out what asks for no extraction' }],
  });
}

/**
 * The label files come before anything else is known.
 * @returns what of them is to be downloaded
 */
async function assertLabelsWithinLimit(
  files: readonly ManifestFile[],
  { session, options }: FetchRun,
): Promise<Size> {
  const surveys = await session.survey(files);
  const size = sumSizes(surveys.filter(({ final }) => final === 'absent').map(knownSizeOf));
  assertWithinLimit(size, options.maxBytes);
  return size;
}

/** What planning and fetching share. */
interface Shared {
  readonly labels: LabelFilesHere;
  readonly question: WholeQuestion;
}

async function planAll(
  choice: ImageChoice,
  { labels: { layout }, question }: Shared,
  run: FetchRun,
): Promise<PlannedFetch> {
  const { session, options } = run;
  const seen: Listings = new Map();
  const { manifest, files, signal } = session;
  const made = await makeChoice(choice, {
    ...{ manifest, layout, files, signal },
    listImages: (archives) => listAll(archives, { question, seen }, run),
  });
  const chosen = await lookAtAll(made, run, seen);
  const choices = choicesOf(options);
  const tasks = chosen.map((each) => decideImages(each, choices));
  question.expect(tasks.flatMap(mayBeRefused));
  const refused = chosen.filter(({ error }) => isCcxriError(error, 'ranges-refused'));
  const [first] = refused;
  if (first?.error !== undefined) {
    await question.assertAllowed(
      refused.map(({ survey }) => survey),
      first.error,
    );
  }
  const bytesFreeOnDisk = await freeBytesAt(session.dest);
  const controls = new Set(made.controls);
  return { made, tasks, plan: planImages(tasks, controls, { choices, bytesFreeOnDisk }) };
}

/** What this run has listed is served in parts; of what a kept index lists it is not known yet. */
function mayBeRefused(task: ImagesTask): readonly FileSurvey[] {
  if (task.kind !== 'members' || task.listed.isLocal || task.listed.source !== undefined) return [];
  return [task.chosen.survey];
}

/** The names of the images in archives that no label file names. */
async function listAll(
  archives: readonly ManifestFile[],
  { question, seen }: Pick<Shared, 'question'> & { readonly seen: Listings },
  run: FetchRun,
): Promise<readonly ListedNames[]> {
  const { session } = run;
  const surveys = await session.survey(archives);
  question.expect(surveys.filter((each) => each.final !== 'checked' && !mayBeRight(each)));
  return listNames(archives, run, async (file) => {
    try {
      const names = await imageNamesIn(file, run, seen);
      question.settled(file.name);
      return names;
    } catch (error) {
      if (!isCcxriError(error, 'ranges-refused')) throw error;
      const survey = await surveyFile(file, session);
      await question.assertAllowed([survey], error);
      // Nothing can be planned for a dry run: what is in it is not known.
      if (run.options.dryRun === true) throw error;
      await prepareDirectories(session.layout, new Set(['archive']));
      const opened = await run.withSources();
      await run.downloadLimit(() => obtain(survey, opened));
      return imageNamesIn(file, run);
    }
  });
}

/** What there is of each archive that some of the images are in, in the manifest's order. */
async function lookAtAll({ images, controls }: MadeChoice, run: FetchRun, seen: Listings) {
  const { session, options } = run;
  const byArchive = new Map<string, Candidate[]>();
  for (const candidate of [...images, ...controls]) {
    const others = byArchive.get(candidate.archive);
    if (others === undefined) byArchive.set(candidate.archive, [candidate]);
    else others.push(candidate);
  }
  const files = session.manifest.files.filter(
    ({ name, kind }) => kind === 'archive' && byArchive.has(stemOf(name)),
  );
  const surveys = await session.survey(files);
  await assertOfThisManifest(surveys, session);
  const sources = options.sources ?? [];
  const typed = sources.length > 0 ? sources : [session.manifest.homepage];
  const look = async (survey: FileSurvey) =>
    lookAtArchive(
      await withUsefulPart(survey, { sources: typed, layout: session.layout }),
      byArchive.get(stemOf(survey.file.name)) ?? [],
      run,
      seen,
    );
  return forEachListed(surveys, look, run);
}

async function settleAll(
  { tasks, plan }: PlannedFetch,
  { labels, question }: Shared,
  run: FetchRun,
): Promise<readonly FetchOutcome[]> {
  const { session } = run;
  await question.assertRoom(plan);
  const open = tasks.filter(({ step }) => step.action !== 'done');
  const kinds = open.some(({ kind }) => kind === 'whole') ? (['archive'] as const) : [];
  if (open.length > 0) await prepareDirectories(session.layout, new Set(kinds));
  const settled = await session.forEachFile(tasks, (task) => settleImages(task, run, question));
  return [...settled, ...labels.outcomes];
}
