import { throwIfAborted } from '../abort.ts';
import type { Receipt } from '../dataset/ledger.ts';
import { ofOtherManifest } from '../dataset/other-manifest.ts';
import { REPORT_IT, repairStep } from '../dataset/images.ts';
import type { HashedInPlace, Session } from '../dataset/session.ts';
import { type FileSurvey, surveyFile } from '../dataset/survey.ts';
import { downloadCandidates } from '../download/download-file.ts';
import { WRONG_BYTES } from '../download/failures.ts';
import { isTaken } from '../download/publish.ts';
import { quarantine } from '../download/quarantine.ts';
import { CcxriError, type NextStep, isCcxriError, withDetails } from '../errors.ts';
import { statOrNull } from '../fs/paths.ts';
import { rename } from '../fs/rename.ts';
import { stemOf } from '../manifest/manifest.ts';
import { isPlausibleSize } from '../manifest/size.ts';
import type { HashedFile } from '../hash/hash-file.ts';
import { repairFile } from './repair-file.ts';
import type { DamagedFile, RepairReport } from './repair-types.ts';
import { dropRanges, takeRanges } from './take-ranges.ts';
import type { FetchRun } from './with-downloads.ts';

const MOVE_AWAY: NextStep = { kind: 'advice', text: 'move it away' };

/** A file that lies under its final name, whole and checked. */
export interface Obtained {
  /**
   * `skipped`: it was there and had passed; `checked`: it was there, and has passed now; `repaired`: it was
   * there and damaged, and what was wrong with it was downloaded.
   */
  readonly did: 'skipped' | 'checked' | 'downloaded' | 'repaired';
  readonly receipt: Receipt;
  /** How, if it was `repaired`. */
  readonly repair?: RepairReport | undefined;
}

/**
 * Gets a file to its final name: it is there and checked, it is there and passes now, or it is
 * downloaded, candidate after candidate, until one is accepted.
 * @throws CcxriError `occupied`: something lies there that ccxri did not put there; `other-manifest`: it is
 * right by another manifest; as
 * `downloadCandidates`
 */
export async function obtain(before: FileSurvey, run: FetchRun): Promise<Obtained> {
  const here = await takeWhatIsHere(before, run);
  if (here !== undefined && 'did' in here) return here;
  const { session, downloads, downloadLimit } = run;
  const { file, path } = before;
  return downloadLimit(async () => {
    throwIfAborted(session.signal);
    if (here !== undefined) return { did: 'repaired', ...(await repairFile(here, run)) };
    // Where the lock holds nobody off, another run may have put it there since.
    if (before.final === 'absent' && (await statOrNull(path)) !== null) {
      const found = await takeWhatIsHere(await surveyFile(file, session), run);
      if (found !== undefined && 'did' in found) return found;
    }
    await assertFree(before);
    await takeRanges(file, run);
    for await (const candidate of downloadCandidates(file, downloads)) {
      try {
        const receipt = await session.acceptance.accept(file, candidate);
        await dropRanges(file, session);
        return { did: 'downloaded', receipt };
      } catch (error) {
        await candidate.reject(error);
      }
    }
    throw new Error(`${file.name}: neither a candidate nor an error`);
  });
}

/** @returns undefined: nothing is here, or not any more: it has to be downloaded */
async function takeWhatIsHere(
  survey: FileSurvey,
  run: FetchRun,
): Promise<Obtained | DamagedFile | undefined> {
  const { file, final, receipt } = survey;
  if (final === 'absent') return undefined;
  if (final === 'checked' && receipt !== undefined) return { did: 'skipped', receipt };
  const { acceptance, parts } = run.session;
  const found = await readWhatIsHere(survey, run.session, (read) => acceptance.accept(file, read));
  if ('passed' in found) {
    await parts.discard(file.name);
    await dropRanges(file, run.session);
    return { did: 'checked', receipt: found.passed };
  }
  // Only what this ledger knows to have put there may be moved away, or be replaced.
  if (receipt === undefined) throw occupied(survey, found.error);
  const { repair = true } = run.options;
  if (repair && file.kind === 'archive') return found;
  await moveAway({ ...survey, receipt }, found, run);
  return undefined;
}

/**
 * Reads a file that is under its final name.
 * @param accept judges it
 * @throws CcxriError `other-manifest`: what passed for another manifest is good data of that one; as
 *   `accept`, but for wrong bytes; of the disk
 */
export async function readWhatIsHere<T>(
  survey: FileSurvey,
  session: Session,
  accept: (read: HashedInPlace) => Promise<T>,
): Promise<{ readonly passed: T } | DamagedFile> {
  const { file, path, finalBytes, receipt } = survey;
  const candidate = await session.hash(file.name, path, finalBytes);
  try {
    return { passed: await accept(candidate) };
  } catch (error) {
    if (!isCcxriError(error, ...WRONG_BYTES)) throw error;
    const wrong = { file, md5: candidate.md5, receipt };
    const other = await ofOtherManifest(wrong, session);
    if (other !== undefined) throw leftHere(survey, other);
    return { survey, candidate, error };
  }
}

/**
 * Whether a file may be the published one: it lies in its place with the right length, and has not been
 * found bad since it passed, if it ever did.
 */
export function mayBeRight({ file, final, finalBytes, receipt }: FileSurvey): boolean {
  const isUnread = final === 'unchecked' || (final === 'changed' && !receipt?.foundBadAt);
  return isUnread && isPlausibleSize(file, finalBytes);
}

/**
 * Checks an archive that may be the published one, so that its images are read out of it and do not come
 * from elsewhere. One that is not right stays as it is.
 * @returns what is there, with that
 * @throws CcxriError `aborted`; bugs
 */
export async function takeIfRight(survey: FileSurvey, run: FetchRun): Promise<FileSurvey> {
  const { session } = run;
  const wasFoundBad = survey.final === 'changed' && survey.receipt?.foundBadAt !== undefined;
  if (!wasFoundBad && !mayBeRight(survey)) return survey;
  const wrong = `${survey.path} is not what was published`;
  const checked = wasFoundBad ? wrong : ((await checkInPlace(survey, run)) ?? wrong);
  if (typeof checked !== 'string') return checked;
  const { name: file } = survey.file;
  const message = `${checked}: images of ${file} come from the source`;
  session.onEvent({ event: 'warning', code: 'disk', file, message });
  return survey;
}

/**
 * @returns what is there once it has passed; undefined: it is not right; or why that can't be known: it can't be
 * read, or is right by another manifest. Nothing is lost by that, so that the run goes on.
 */
async function checkInPlace(
  survey: FileSurvey,
  run: FetchRun,
): Promise<FileSurvey | string | undefined> {
  const { session, options } = run;
  try {
    // Without `repair` it would be moved away.
    const found = await takeWhatIsHere(survey, { ...run, options: { ...options, repair: true } });
    if (found !== undefined && 'did' in found) return await surveyFile(survey.file, session);
    if (survey.receipt !== undefined) {
      await session.ledger.noteFoundBad(survey.receipt, session.clock.date());
    }
  } catch (thrown) {
    throwIfAborted(session.signal);
    if (!isCcxriError(thrown)) throw thrown;
    return thrown.code === 'occupied' ? undefined : thrown.message;
  }
  return undefined;
}

/**
 * What to do about an archive that had passed, and out of which images could not be read: its MD5 says
 * whether it has changed since, which `repair` puts right, or was published like this.
 * @param error what was met; errors of other kinds are given back as they are
 */
export async function judgeArchive(
  error: CcxriError,
  survey: FileSurvey,
  { session }: FetchRun,
): Promise<CcxriError> {
  const { file, path, final, receipt } = survey;
  const isOfArchive = isCcxriError(error, 'damaged-archive', 'unsafe-archive');
  if (!isOfArchive || final !== 'checked' || receipt === undefined) return error;
  let md5: string;
  try {
    const found = await readWhatIsHere(survey, session, (read) =>
      session.acceptance.check(file, read),
    );
    if ('passed' in found) return withDetails(error, { next: [REPORT_IT] });
    md5 = found.candidate.md5;
    await session.ledger.noteFoundBad(receipt, session.clock.date());
  } catch (thrown) {
    return session.failureOf(thrown) ?? error;
  }
  const since = receipt.checkedAt.slice(0, 10);
  const message = `${path} was right on ${since} and is not what was published now: images could not be read out of it`;
  return new CcxriError('md5-mismatch', message, {
    ...{ file: file.name, path },
    expected: `MD5 ${file.md5}`,
    found: `MD5 ${md5}`,
    kept: 'the archive, unchanged',
    next: [repairStep(file.name), { kind: 'again' }],
    cause: error,
  });
}

/** A link that points nowhere looks as if nothing was there, until the file is to get its name. */
async function assertFree({ file, path }: FileSurvey): Promise<void> {
  if (!(await isTaken(path))) return;
  throw new CcxriError('occupied', `${path} exists and is not a regular file`, {
    file: file.name,
    path,
    kept: 'what is there, unchanged',
    next: [MOVE_AWAY, { kind: 'again' }],
  });
}

function leftHere({ path }: FileSurvey, error: CcxriError): CcxriError {
  const [step, ...others] = error.next;
  const next = step === undefined ? [] : [{ ...step, or: MOVE_AWAY }, ...others];
  return withDetails(error, {
    path,
    kept: 'the file, unchanged',
    next: [...next, { kind: 'again' }],
  });
}

function occupied({ file, path }: FileSurvey, error: CcxriError): CcxriError {
  return new CcxriError(
    'occupied',
    `${path} is not the published ${file.name}, and ccxri did not put it there: ${error.message}`,
    {
      ...error.facts,
      file: file.name,
      path,
      kept: 'the file, unchanged',
      next: [
        {
          kind: 'run',
          command: 'repair',
          files: [stemOf(file.name)],
          purpose: 'to keep what is good of it and download the rest',
          or: MOVE_AWAY,
        },
        { kind: 'again' },
      ],
      cause: error,
    },
  );
}

async function moveAway(
  { file, path, receipt }: FileSurvey & { readonly receipt: Receipt },
  wrong: { readonly candidate: HashedFile; readonly error: CcxriError },
  { session: { clock, onEvent, layout }, downloads: { keepsWrongBytes: keepsBytes } }: FetchRun,
): Promise<void> {
  const date = clock.date();
  const bytes = { file, ...wrong, source: receipt.source, date, keepsBytes };
  const movedTo = await quarantine(bytes, layout.bad, (to) => rename(path, to));
  const since = receipt.checkedAt.slice(0, 10);
  onEvent({
    event: 'warning',
    code: 'disk',
    file: file.name,
    message: `${file.name} was right on ${since} and is not what was published now: moved to ${movedTo}, downloading it again`,
  });
}
