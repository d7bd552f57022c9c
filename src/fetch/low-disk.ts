import pLimit from 'p-limit';
import { statOrNull } from '../fs/paths.ts';
import { formatBytes } from '../text.ts';
import { fetchFile } from './fetch-file.ts';
import type { FetchOutcome } from './fetch-types.ts';
import { ARCHIVES_AT_ONCE, isHereInPart } from './low-disk-plan.ts';
import type { FetchTask } from './plan.ts';
import type { FetchRun } from './with-downloads.ts';

/**
 * Works through the files so that no more than two archives take space at any moment, partial downloads
 * among them: while one is unpacked and deleted, the next is downloaded. What earlier runs have left comes
 * first, one archive after the other.
 * @returns the outcomes in the order of `tasks`
 * @throws CcxriError `aborted`; bugs
 */
export async function fetchWithLittleDisk(
  tasks: readonly FetchTask[],
  run: FetchRun,
): Promise<FetchOutcome[]> {
  const { session } = run;
  const isFresh = (task: FetchTask) =>
    task.survey.file.kind === 'archive' && task.step.action !== 'done' && !isHereInPart(task);
  const outcomes = new Map<string, FetchOutcome>();
  const places = pLimit(ARCHIVES_AT_ONCE);
  const settle = async (task: FetchTask) => {
    const outcome = await fetchFile(task, run);
    outcomes.set(outcome.file, outcome);
    await countWhatStays(task, { places, run });
  };
  const before = tasks.filter((task) => !isFresh(task));
  await session.forEachFile(before, settle, 1);
  await session.forEachFile(tasks.filter(isFresh), (task) => places(() => settle(task)));
  return tasks.flatMap(({ step }) => outcomes.get(step.file) ?? []);
}

interface Places {
  readonly places: { concurrency: number };
  readonly run: FetchRun;
}

/**
 * An archive that failed may have left a part, or stay as a whole because it could not be unpacked. The
 * first takes a place for the rest of the run, so that from then on one archive comes after the other. Of
 * parts there is no second: one that comes later has to be downloaded again. What has passed its check and
 * is not unpacked is never deleted: then it is said how much more that takes.
 */
async function countWhatStays(
  { survey: { file, path } }: FetchTask,
  { places, run: { session } }: Places,
): Promise<void> {
  // A run that was stopped is continued by the next one, with what is there.
  if (file.kind !== 'archive' || session.signal.aborted) return;
  const stays = (await statOrNull(path))?.size;
  const partBytes = stays === undefined ? await session.parts.bytesHere(file) : 0;
  if (stays === undefined && partBytes === 0) return;
  if (places.concurrency > 1) {
    places.concurrency -= 1;
    return;
  }
  if (stays === undefined) {
    await session.parts.discard(file.name);
    return;
  }
  const message = `${file.name} could not be unpacked and is kept: the run takes ${formatBytes(stays)} more than planned`;
  session.onEvent({ event: 'warning', code: 'disk', file: file.name, message });
}
