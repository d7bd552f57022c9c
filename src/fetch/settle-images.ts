import { throwIfAborted } from '../abort.ts';
import { type MemberIndex, membersOf, readMemberIndex } from '../dataset/member-index.ts';
import { statusAfter, statusOf, surveyFile } from '../dataset/survey.ts';
import { isCcxriError } from '../errors.ts';
import type { Phase } from '../events.ts';
import { type SingleImages, extractSingleImages } from '../extract/single-images.ts';
import type { Candidate } from '../labels/image-choice.ts';
import { ProgressThrottle } from '../progress-throttle.ts';
import { startOverIfChanged } from '../ranges/open-ranged.ts';
import { type AtSource, atEachSource, isOfSource } from './each-source.ts';
import { fetchFile, stoppedOutcome } from './fetch-file.ts';
import type { FetchOutcome } from './fetch-types.ts';
import { absentOf, imagesHere, openArchive } from './image-archives.ts';
import { placeOf } from './images-report.ts';
import { judgeArchive } from './obtain.ts';
import { decideStep } from './plan.ts';
import { type ImagesTask, imageKeyOf, membersFor } from './plan-images.ts';
import type { WholeQuestion } from './whole-question.ts';
import { type FetchRun, choicesOf, prepareDirectories } from './with-downloads.ts';

type MembersTask = Extract<ImagesTask, { kind: 'members' }>;

/**
 * Gets the images of one archive, as its task says. What goes wrong is its outcome.
 * @throws CcxriError `aborted`: the user has stopped the run; bugs
 */
export async function settleImages(
  task: ImagesTask,
  run: FetchRun,
  question: WholeQuestion,
): Promise<FetchOutcome> {
  const outcome = task.kind === 'whole' ? 'whole' : await settleSingle(task, run, question);
  if (outcome === 'whole') return settleWhole(task, run);
  run.session.emitDone(outcome);
  run.options.onOutcome?.(outcome);
  return outcome;
}

async function settleWhole(
  { chosen: { survey, images }, step }: ImagesTask,
  run: FetchRun,
): Promise<FetchOutcome> {
  const countImages = async () => (await imagesHere(survey, images, run)).size;
  // Not the step of its single images, which were refused.
  const task = {
    survey,
    step: { ...decideStep(survey, choicesOf(run.options)), images: step.images },
  };
  const opened = task.step.action === 'done' ? run : await run.withSources();
  return fetchFile(task, opened, countImages);
}

/** @returns `whole`: its source serves no parts of it, and it may be downloaded whole */
async function settleSingle(
  task: Exclude<ImagesTask, { kind: 'whole' }>,
  run: FetchRun,
  question: WholeQuestion,
): Promise<FetchOutcome | 'whole'> {
  const { survey, here } = task.chosen;
  const { file, receipt, final } = survey;
  const known =
    final === 'checked' && receipt !== undefined
      ? { bytes: receipt.bytes, md5: receipt.md5, check: receipt.status }
      : {};
  const before = { ...stoppedOutcome(file, statusOf(survey)), ...known, images: here.size };
  if (task.kind === 'done') return { ...before, did: 'skipped' };
  try {
    if (task.kind === 'failed') throw task.error;
    const fetched = await fetchUnlessRefused(task, run, question);
    if (fetched === 'whole') return fetched;
    question.settled(file.name);
    const { place, isLocal, single, published, images, absent } = fetched;
    const { damagedMembers, brokenImages } = single;
    const error = single.error && (await judgeArchive(single.error, survey, run));
    const did =
      error !== undefined
        ? 'failed'
        : published === 0
          ? 'skipped'
          : isLocal
            ? 'extracted'
            : 'downloaded';
    return {
      ...before,
      status: statusOf(await surveyFile(file, run.session)),
      did,
      source: isLocal ? null : place,
      images,
      notInArchive: absent.map(placeOf),
      damagedMembers,
      brokenImages,
      ...(error && { error }),
    };
  } catch (thrown) {
    const failure = run.session.failureOf(thrown);
    const error = failure && (await judgeArchive(failure, survey, run));
    const status = statusAfter(error, await surveyFile(file, run.session));
    if (error === undefined) return { ...before, status, did: 'stopped' };
    return { ...before, status, did: 'failed', error };
  }
}

/** With an index that was kept, nothing has been asked of the source before. */
async function fetchUnlessRefused(task: MembersTask, run: FetchRun, question: WholeQuestion) {
  try {
    return await run.downloadLimit(() => fetchSingle(task, run));
  } catch (error) {
    throwIfAborted(run.session.signal);
    if (!isCcxriError(error, 'ranges-refused')) throw error;
    await question.assertAllowed([task.chosen.survey], error);
    await prepareDirectories(run.session.layout, new Set(['archive']));
    return 'whole';
  }
}

interface FetchedSingle {
  readonly place: string;
  readonly isLocal: boolean;
  readonly single: SingleImages;
  /** Images of the choice that are here, each once: members of two folders may have the same name. */
  readonly images: number;
  /** Images of the choice that the archive does not have. */
  readonly absent: readonly Candidate[];
}

/** What one source has of the images as it should be stays; the others are looked for at the next. */
async function fetchSingle(
  task: MembersTask,
  run: FetchRun,
): Promise<FetchedSingle & { readonly published: number }> {
  const from = task.listed.source;
  const errorOf = ({ single }: FetchedSingle) => single.error;
  const { file, final } = task.chosen.survey;
  const progress = new SingleProgress(task, run);
  const each = { file, run: progress.run, isInPlace: final === 'checked', from, errorOf };
  const fetched = await atEachSource(each, (at) => fetchAt(task, at, progress));
  return { ...fetched, published: progress.end() };
}

/**
 * An archive that changes meanwhile, or has since it was indexed, is started over once, from its directory
 * on. An index may have been received wrongly: then the directory is read again. If that comes to nothing,
 * what was fetched before stands.
 */
async function fetchAt(
  task: MembersTask,
  at: AtSource,
  progress: SingleProgress,
): Promise<FetchedSingle> {
  const { session } = at.run;
  const index = await readMemberIndex(session.layout, task.chosen.survey.file);
  const isDoubtful = !task.listed.isLocal && index !== undefined && index.isConfirmed !== true;
  const known = at.isFirst ? index : undefined;
  const fetch = (again: boolean) =>
    startOverIfChanged(session.signal, (isSecond) =>
      fetchOnce({ task, at, progress }, { known: isSecond ? undefined : known, again }),
    );
  let first: FetchedSingle | undefined;
  try {
    first = await fetch(false);
    if (!isDoubtful || first.single.damagedMembers.length === 0) return first;
  } catch (error) {
    if (!isDoubtful || !isCcxriError(error, 'unsafe-archive', 'occupied')) throw error;
  }
  try {
    return await fetch(true);
  } catch (error) {
    throwIfAborted(session.signal);
    if (first === undefined || !isOfSource(error)) throw error;
    return first;
  }
}

interface Attempt {
  readonly task: MembersTask;
  readonly at: AtSource;
  readonly progress: SingleProgress;
}

async function fetchOnce(
  { task, at, progress }: Attempt,
  { known, again }: { readonly known: MemberIndex | undefined; readonly again: boolean },
): Promise<FetchedSingle> {
  const { session, downloads } = at.run;
  const { survey, images } = task.chosen;
  const { file } = survey;
  throwIfAborted(session.signal);
  progress.begin();
  at.source = undefined;
  const { ranged, source } = await openArchive(survey, at.run, known);
  at.source = source;
  try {
    const { layout, signal } = session;
    const { isLocal, place } = ranged;
    const how = { layout, signal, keep: !isLocal, again, kept: known };
    const listing = await membersOf(file, ranged, how);
    const members = membersFor(images, listing);
    const request = { file, ranged, listing, members, connections: downloads.connections };
    const single = await extractSingleImages(
      {
        ...request,
        onFetched: (bytes, members) => progress.fetched(bytes, members),
        onUnpacked: (doneBytes) => progress.unpacked(doneBytes),
      },
      session,
    );
    progress.add(single);
    const bad = new Set(single.damagedMembers.map(({ path }) => imageKeyOf(path)));
    const good = members.map(({ path }) => imageKeyOf(path)).filter((image) => !bad.has(image));
    const absent = absentOf(images, members);
    return { isLocal, place, single, images: new Set(good).size, absent };
  } finally {
    await ranged.close();
  }
}

/**
 * The events of one archive: its bytes first, with the images that are complete by them, then unpacking. A
 * second attempt adds to them.
 */
class SingleProgress {
  /** The run, with what an attempt keeps counted over all that is fetched of the archive. */
  readonly run: FetchRun;
  readonly #file: string;
  readonly #throttle: ProgressThrottle;
  readonly #hereBefore: number;
  #phase: Phase | undefined;
  #totalBytes: number;
  #fetchedBytes = 0;
  #published = 0;
  #publishedBytes = 0;
  #images: number;

  constructor({ chosen, cost }: MembersTask, run: FetchRun) {
    const { clock, onEvent } = run.session;
    this.#file = chosen.survey.file.name;
    this.#hereBefore = chosen.here.size;
    this.#images = this.#hereBefore;
    this.#totalBytes = cost.bytes;
    this.#throttle = new ProgressThrottle(clock, onEvent);
    this.run = {
      ...run,
      withSources: async () => {
        const opened = await run.withSources();
        const downloads = {
          ...opened.downloads,
          onEvent: (event: Parameters<typeof onEvent>[0]) =>
            onEvent(event.event === 'retry' ? { ...event, keptBytes: this.#fetchedBytes } : event),
        };
        return { ...opened, downloads };
      },
    };
  }

  /** An attempt: what the one before has fetched and not published is not there. */
  begin(): void {
    this.#images = this.#hereBefore + this.#published;
  }

  fetched(bytes: number, members: number): void {
    this.#images += members;
    if (bytes === 0) return;
    this.#enter('download');
    this.#fetchedBytes += bytes;
    this.#totalBytes = Math.max(this.#totalBytes, this.#fetchedBytes);
    this.#emit('download', this.#fetchedBytes, this.#totalBytes);
  }

  unpacked(doneBytes: number): void {
    this.#enter('extract');
    this.#emit('extract', doneBytes, null);
  }

  add({ published, publishedBytes }: SingleImages): void {
    this.#published += published;
    this.#publishedBytes += publishedBytes;
  }

  /** @returns how many images were published, by all attempts */
  end(): number {
    if (this.#published === 0) return 0;
    this.#enter('extract');
    const done = { bytes: this.#publishedBytes, members: this.#published };
    this.run.session.onEvent({ event: 'phase-done', file: this.#file, phase: 'extract', ...done });
    return this.#published;
  }

  #enter(phase: 'download' | 'extract'): void {
    if (this.#phase === phase) return;
    const { onEvent } = this.run.session;
    const file = this.#file;
    if (this.#phase === 'download') {
      onEvent({ event: 'phase-done', file, phase: 'download', bytes: this.#fetchedBytes });
    }
    this.#phase = phase;
    const [doneBytes, totalBytes] =
      phase === 'download' ? [this.#fetchedBytes, this.#totalBytes] : [0, null];
    onEvent({ event: 'phase-start', file, phase, doneBytes, totalBytes });
  }

  #emit(phase: 'download' | 'extract', doneBytes: number, totalBytes: number | null): void {
    const images = this.#images;
    this.#throttle.emit({ file: this.#file, phase, doneBytes, totalBytes, images });
  }
}
