import { throwIfAborted } from '../abort.ts';
import { type MemberIndex, membersOf, readMemberIndex } from '../dataset/member-index.ts';
import { statusAfter, statusOf, surveyFile } from '../dataset/survey.ts';
import type { Phase } from '../events.ts';
import { type SingleImages, extractSingleImages } from '../extract/single-images.ts';
import { startOverIfChanged } from '../ranges/open-ranged.ts';
import { ProgressThrottle } from '../progress-throttle.ts';
import { fetchFile, stoppedOutcome } from './fetch-file.ts';
import type { FetchOutcome } from './fetch-types.ts';
import { imagesHere, openArchive } from './image-archives.ts';
import { judgeArchive } from './obtain.ts';
import { type ImagesTask, imageKeyOf, membersFor, toFetchTask } from './plan-images.ts';
import type { FetchRun } from './with-downloads.ts';

type MembersTask = Extract<ImagesTask, { kind: 'members' }>;

/**
 * Gets the images of one archive, as its task says. What goes wrong is its outcome.
 * @throws CcxriError `aborted`: the user has stopped the run; bugs
 */
export async function settleImages(task: ImagesTask, run: FetchRun): Promise<FetchOutcome> {
  const { survey, images } = task.chosen;
  if (task.kind === 'whole') {
    const countImages = async () => (await imagesHere(survey, images, run)).size;
    const opened = task.step.action === 'done' ? run : await run.withSources();
    return fetchFile(toFetchTask(task), opened, countImages);
  }
  const outcome = await settleSingle(task, run);
  run.session.emitDone(outcome);
  run.options.onOutcome?.(outcome);
  return outcome;
}

async function settleSingle(
  task: Exclude<ImagesTask, { kind: 'whole' }>,
  run: FetchRun,
): Promise<FetchOutcome> {
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
    const { place, isLocal, single, images } = await run.downloadLimit(() => fetchTwice(task, run));
    const { published, damagedMembers, brokenImages } = single;
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

interface FetchedSingle {
  readonly place: string;
  readonly isLocal: boolean;
  readonly single: SingleImages;
  /** Images of the choice that are here, each once: members of two folders may have the same name. */
  readonly images: number;
}

/** An archive that changes meanwhile, or has since it was indexed, is started over once, from its directory on. */
async function fetchTwice(task: MembersTask, run: FetchRun): Promise<FetchedSingle> {
  const { session } = run;
  const known = await readMemberIndex(session.layout, task.chosen.survey.file);
  return startOverIfChanged(session.signal, (isSecond) =>
    fetchOnce(task, run, isSecond ? undefined : known),
  );
}

async function fetchOnce(
  task: MembersTask,
  run: FetchRun,
  known: MemberIndex | undefined,
): Promise<FetchedSingle> {
  const { session, downloads } = run;
  const { survey, images } = task.chosen;
  const { file } = survey;
  throwIfAborted(session.signal);
  const progress = new SingleProgress(task, run);
  const ranged = await openArchive(survey, progress.run, known);
  try {
    const { layout, signal } = session;
    const { isLocal, place } = ranged;
    const listing = await membersOf(file, ranged, { layout, signal, keep: !isLocal });
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
    progress.end(single);
    const bad = new Set(single.damagedMembers.map(({ path }) => imageKeyOf(path)));
    const good = members.map(({ path }) => imageKeyOf(path)).filter((image) => !bad.has(image));
    return { isLocal, place, single, images: new Set(good).size };
  } finally {
    await ranged.close();
  }
}

/** The events of one archive: its bytes first, with the images that are complete by them, then unpacking. */
class SingleProgress {
  /** The run, with what an attempt keeps counted over all that is fetched of the archive. */
  readonly run: FetchRun;
  readonly #file: string;
  readonly #throttle: ProgressThrottle;
  #phase: Phase | undefined;
  #totalBytes: number;
  #fetchedBytes = 0;
  #images: number;

  constructor({ chosen, cost }: MembersTask, run: FetchRun) {
    const { clock, onEvent } = run.session;
    this.#file = chosen.survey.file.name;
    this.#images = chosen.here.size;
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

  end({ published, publishedBytes }: SingleImages): void {
    if (published === 0) return;
    this.#enter('extract');
    const done = { bytes: publishedBytes, members: published };
    this.run.session.onEvent({ event: 'phase-done', file: this.#file, phase: 'extract', ...done });
  }

  #enter(phase: 'download' | 'extract'): void {
    if (this.#phase === phase) return;
    const { onEvent } = this.run.session;
    const file = this.#file;
    if (this.#phase === 'download') {
      onEvent({ event: 'phase-done', file, phase: 'download', bytes: this.#fetchedBytes });
    }
    this.#phase = phase;
    const totalBytes = phase === 'download' ? this.#totalBytes : null;
    onEvent({ event: 'phase-start', file, phase, doneBytes: 0, totalBytes });
  }

  #emit(phase: 'download' | 'extract', doneBytes: number, totalBytes: number | null): void {
    const images = this.#images;
    this.#throttle.emit({ file: this.#file, phase, doneBytes, totalBytes, images });
  }
}
