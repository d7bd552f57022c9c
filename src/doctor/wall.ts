import { isCcxriError } from '../errors.ts';
import type { CheckName, CheckRow } from '../checks.ts';
import type { Wall } from '../http/walls.ts';
import { ok } from './examination.ts';
import { toAsking } from './files.ts';
import { requestSlice } from './request.ts';
import { type SourceWork, urlOf } from './source-work.ts';

/** As much of a page shows who sends it. */
const PAGE_START_BYTES = 16 * 1024;
const MAY_MEET_ONE: readonly CheckName[] = ['source', 'archive', 'labels'];

/**
 * Whether something keeps programs out. A response that looks like a wall is none if the files come
 * all the same.
 * @param met what requests for files have met; a page that failed is requested once more to be looked at
 */
export async function examineWall(work: SourceWork, met: Wall[]): Promise<void> {
  const { examination, subject } = work;
  const own = examination.rows.filter(({ source }) => source === subject.source);
  const failed = own.find(
    ({ check, status }) => status === 'problem' && MAY_MEET_ONE.includes(check),
  );
  if (failed === undefined) {
    const isServed = own.some(({ check }) => check === 'ranges');
    if (isServed) examination.add(subject, 'wall', ok('programs are let in'));
    return;
  }
  const url = urlOf(work.typed);
  if (met.length === 0 && failed.check === 'source' && hasAnswered(failed) && url !== undefined) {
    await examination.attempt(subject, 'wall', (signal) => lookAt(url, work, signal));
  }
  const [wall] = met;
  if (wall === undefined) return;
  const { name: seen, next } = wall;
  examination.add(subject, 'wall', { status: 'problem', seen, code: failed.code, next });
}

function hasAnswered({ code = 'network' }: CheckRow): boolean {
  return ['http-status', 'not-the-file', 'no-link'].includes(code);
}

/** What is wrong with it is a row already. */
async function lookAt(url: string, work: SourceWork, signal: AbortSignal): Promise<void> {
  const slice = { from: 0, to: PAGE_START_BYTES, isRanged: false };
  try {
    await requestSlice(toAsking(work, signal), url, slice);
  } catch (error) {
    if (!isCcxriError(error) || signal.aborted) throw error;
  }
}
