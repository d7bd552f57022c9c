import type { Session } from '../dataset/session.ts';
import { isCcxriError } from '../errors.ts';
import { buildDescribedIndex } from '../join.ts';
import type { LabelsHere } from '../labels/join.ts';
import { hasImages } from '../labels/scan.ts';
import type { FetchOptions, FetchOutcome, FetchResult } from './fetch-types.ts';

/**
 * The index is made of what is there, also where some files failed, or the run has ended itself on a full
 * disk: only the user stops it.
 * @param labelsHere the label files that are here, where they have been read already
 */
export async function joinIfWanted(
  { layout, dest, manifest, onEvent, shard }: Session,
  { extract = true, join = true, signal }: FetchOptions,
  outcomes: readonly FetchOutcome[],
  labelsHere?: LabelsHere,
): Promise<Pick<FetchResult, 'index' | 'indexError'>> {
  // Others are at work on the rest: the index comes when they have ended.
  if (!extract || !join || shard !== undefined || !(await hasImages(layout, manifest))) return {};
  try {
    return {
      index: await buildDescribedIndex({ dest, manifest, onEvent, signal }, labelsHere),
    };
  } catch (error) {
    if (!isCcxriError(error) || error.code === 'aborted') throw error;
    const { message, next, facts } = error;
    if (outcomes.some((outcome) => outcome.file === facts.file && outcome.error !== undefined)) {
      // Its own error says why, and decides over the run.
      onEvent({ event: 'warning', code: 'no-label-file', file: facts.file, message, next });
      return {};
    }
    return { indexError: error };
  }
}
