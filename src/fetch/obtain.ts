import { rename, stat } from 'node:fs/promises';
import type { LimitFunction } from 'p-limit';
import { throwIfAborted } from '../abort.ts';
import type { Check, Acceptance } from '../dataset/acceptance.ts';
import { type DatasetLayout, finalPathOf } from '../dataset/layout.ts';
import type { Ledger } from '../dataset/ledger.ts';
import { type FileSurvey, statOrAbsent, surveyFile } from '../dataset/survey.ts';
import type { DownloadContext } from '../download/context.ts';
import { downloadCandidates } from '../download/download-file.ts';
import { WRONG_BYTES } from '../download/failures.ts';
import { isTaken } from '../download/publish.ts';
import { quarantine } from '../download/quarantine.ts';
import { CcxriError, type NextStep, isCcxriError, toDiskError } from '../errors.ts';
import type { HashedFile } from '../hash/hash-file.ts';
import type { HashPool } from '../hash/hash-pool.ts';
import { hashWithProgress } from '../hash/hash-with-progress.ts';
import type { ManifestFile } from '../manifest/schema.ts';

const MOVE_AWAY: NextStep = { kind: 'advice', text: 'move it away' };

/** What a run needs to make a file stand under its final name. */
export interface ObtainContext extends DownloadContext {
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly acceptance: Acceptance;
  readonly hashPool: HashPool;
  readonly downloads: LimitFunction;
  /** Of files that are here: the disk and the processors bound them, not the network. */
  readonly hashes: LimitFunction;
}

/** A file that lies under its final name, whole and checked. */
export interface Obtained {
  readonly how: 'present' | 'adopted' | 'downloaded';
  readonly bytes: number;
  readonly md5: string;
  readonly check: Check;
  /** null: nothing was downloaded. */
  readonly source: string | null;
}

/**
 * Makes a file stand: it does already, it lies there and passes, or it is downloaded.
 * @throws CcxriError `occupied`: something else lies there, which ccxri did not put there; as
 * `downloadCandidates`
 */
export async function obtain(before: FileSurvey, context: ObtainContext): Promise<Obtained> {
  const here = await takeWhatIsHere(before, context);
  if (here !== undefined) return here;
  return context.downloads(async () => {
    throwIfAborted(context.signal);
    // Where the lock holds nobody off, another run may have brought it since.
    const isNew = before.final === 'absent' && (await statOrAbsent(before.path)) !== undefined;
    const survey = isNew ? await surveyFile(before.file, context) : before;
    const brought = isNew ? await takeWhatIsHere(survey, context) : undefined;
    if (brought !== undefined) return brought;
    await assertFree(survey);
    return download(survey.file, context);
  });
}

/** undefined: it has to be downloaded. */
async function takeWhatIsHere(
  survey: FileSurvey,
  context: ObtainContext,
): Promise<Obtained | undefined> {
  const { final, receipt } = survey;
  if (final === 'checked' && receipt !== undefined) {
    const { bytes, md5, status } = receipt;
    return { how: 'present', bytes, md5, check: status, source: null };
  }
  return final === 'absent' ? undefined : adopt(survey, context);
}

/** A link that points nowhere looks as if nothing was there, until the file is to get its name. */
async function assertFree({ file, path }: FileSurvey): Promise<void> {
  if (!(await isTaken(path))) return;
  throw new CcxriError('occupied', `${path} is there and is no file`, {
    file: file.name,
    path,
    kept: 'what is there, as it is',
    next: [MOVE_AWAY, { kind: 'again' }],
  });
}

/** Hashes what lies there; undefined: it was ours, is not right any more, and was moved away. */
async function adopt(survey: FileSurvey, context: ObtainContext): Promise<Obtained | undefined> {
  const { file, path, finalBytes } = survey;
  const candidate = await context.hashes(() => {
    throwIfAborted(context.signal);
    return hashWithProgress(file.name, { path, totalBytes: finalBytes }, context);
  });
  try {
    const check = await context.acceptance.check(file, candidate, (passed) =>
      writeReceipt(file, candidate, passed, { context }),
    );
    await context.parts.discard(file.name);
    const { bytes, md5 } = candidate;
    return { how: 'adopted', bytes, md5, check, source: null };
  } catch (error) {
    if (!isCcxriError(error, ...WRONG_BYTES)) throw error;
    // Only what this ledger knows to have put there may be moved away.
    // And what passed for another manifest is good data of that one.
    if (survey.receipt === undefined || survey.final === 'other-manifest') {
      throw occupied(survey, error);
    }
    await moveAway(survey, { candidate, error, context });
    return undefined;
  }
}

function occupied({ file, path, final }: FileSurvey, error: CcxriError): CcxriError {
  const isOfAnother = final === 'other-manifest';
  const whose = isOfAnother ? 'it passed for another manifest' : 'ccxri did not put it there';
  return new CcxriError(
    'occupied',
    `${path} is not the published ${file.name}, and ${whose}: ${error.message}`,
    {
      ...error.facts,
      file: file.name,
      path,
      kept: 'the file as it is',
      next: isOfAnother
        ? [{ kind: 'option', option: 'manifest', or: MOVE_AWAY }, { kind: 'again' }]
        : [MOVE_AWAY, { kind: 'again' }],
      cause: error,
    },
  );
}

async function moveAway(
  { file, path, receipt }: FileSurvey,
  wrong: {
    readonly candidate: HashedFile;
    readonly error: CcxriError;
    readonly context: ObtainContext;
  },
): Promise<void> {
  const { quarantineDir, clock, onEvent } = wrong.context;
  const bytes = { file, ...wrong, source: receipt?.source };
  const place = { quarantineDir, date: clock.date() };
  const movedTo = await quarantine(bytes, place, (to) => rename(path, to));
  const was = receipt === undefined ? '' : ` was right on ${receipt.checkedAt.slice(0, 10)} and`;
  onEvent({
    event: 'warning',
    code: 'disk',
    file: file.name,
    message: `${file.name}${was} is not what was published now: moved to ${movedTo}, downloading it again`,
  });
}

async function download(file: ManifestFile, context: ObtainContext): Promise<Obtained> {
  const path = finalPathOf(context.layout, file);
  for await (const candidate of downloadCandidates(file, context)) {
    const { bytes, md5, source } = candidate;
    try {
      const check = await context.acceptance.check(file, candidate, async (passed) => {
        await candidate.moveTo(path);
        const receipt = { context, source: source ?? undefined };
        await writeReceipt(file, { path, bytes, md5 }, passed, receipt);
      });
      return { how: 'downloaded', bytes, md5, check, source };
    } catch (error) {
      await candidate.reject(error);
    }
  }
  throw new Error(`${file.name}: neither a candidate nor an error`);
}

async function writeReceipt(
  file: ManifestFile,
  { path, bytes, md5 }: HashedFile,
  status: Check,
  { context, source }: { readonly context: ObtainContext; readonly source?: string | undefined },
): Promise<void> {
  const { mtimeMs } = await stat(path).catch((error: unknown) => {
    throw toDiskError(error, 'look at', { path });
  });
  await context.ledger.writeReceipt({
    name: file.name,
    bytes,
    md5,
    mtimeMs,
    status,
    checkedAt: context.clock.date().toISOString(),
    ...(source === undefined ? {} : { source }),
  });
}
