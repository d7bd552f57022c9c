import { warnOfNesting } from '../dataset/find-dataset.ts';
import { keepManifest } from '../dataset/kept-manifest.ts';
import { type Session, withSession } from '../dataset/session.ts';
import { type FileSurvey, statusAfter, statusOf, surveyFile } from '../dataset/survey.ts';
import { CcxriError } from '../errors.ts';
import { readWhatIsHere } from '../fetch/obtain.ts';
import { decideStep } from '../fetch/plan.ts';
import { planRepair, repairFile } from '../fetch/repair-file.ts';
import type { DamagedFile } from '../fetch/repair-types.ts';
import { type FetchRun, withDownloads } from '../fetch/with-downloads.ts';
import { toProxySettings } from '../http/proxy.ts';
import { stemOf } from '../manifest/manifest.ts';
import type { RepairOptions, RepairOutcome, RepairResult } from './types.ts';

/**
 * Puts damaged files right: finds in each archive what is not as it was published, by its directory at a
 * source, and downloads just that. A file keeps its name until what replaces it has passed. Files that are
 * as they were when they passed are read only if they are selected by name.
 * @throws CcxriError `unknown-subset`, `unknown-file`; `missing`: there is no such dataset directory;
 *   `source-unusable`, `usage`, `not-writable`, `locked`; `aborted`
 */
export async function repairDataset(options: RepairOptions): Promise<RepairResult> {
  const { dest, dryRun = false } = options;
  toProxySettings(options.env ?? {});
  await warnOfNesting(options);
  return withSession(options, { lock: !dryRun, mustExist: true }, async (session) => {
    const looked = await session.forEachFile(await filesToLookAt(session), (survey) =>
      lookAt(survey, session, dryRun),
    );
    const damaged = looked.flatMap((each) => ('did' in each ? [] : [each]));
    let bytesDownloaded = 0;
    const settle = async (run: FetchRun) => {
      const settled = await session.forEachFile(damaged, (each) =>
        run.downloadLimit(() => settleOne(each, run, dryRun)),
      );
      bytesDownloaded = run.meter.bytesReceived;
      return settled;
    };
    const settled =
      damaged.length === 0 ? [] : await withSources(damaged, session, options, settle);
    const byName = new Map(settled.map((outcome) => [outcome.file, outcome]));
    const outcomes = looked.flatMap((each) =>
      'did' in each ? [each] : (byName.get(each.survey.file.name) ?? []),
    );
    return { dest, dryRun, outcomes, bytesDownloaded, elapsedMs: session.elapsedMs() };
  });
}

/** Without a selection what is here. */
async function filesToLookAt(session: Session): Promise<readonly FileSurvey[]> {
  const surveys = await session.survey();
  return session.isSelected ? surveys : surveys.filter(({ final }) => final !== 'absent');
}

/** The sources are asked only where there is something to be had. */
async function withSources<T>(
  damaged: readonly DamagedFile[],
  session: Session,
  options: RepairOptions,
  work: (run: FetchRun) => Promise<T>,
): Promise<T> {
  const choices = { extract: false, deleteArchives: false };
  const isDry = options.dryRun === true;
  const tasks = isDry
    ? []
    : damaged.map(({ survey }) => ({
        survey,
        step: decideStep({ ...survey, final: 'changed' }, choices),
      }));
  return withDownloads({ session, options, tasks, needsSources: true }, async (run) => {
    if (!isDry) await keepManifest(session);
    return work(run);
  });
}

/** Reads a file, unless nothing speaks for that. What is wrong with it otherwise is its outcome. */
async function lookAt(
  survey: FileSurvey,
  session: Session,
  dryRun: boolean,
): Promise<RepairOutcome | DamagedFile> {
  const { file, final } = survey;
  const of = { file: file.name, subsets: file.subsets };
  const end = (outcome: RepairOutcome) => emitted(outcome, session);
  if (final === 'absent') {
    return end({ ...of, did: 'failed', status: statusOf(survey), error: absentError(survey) });
  }
  if (final === 'checked' && !session.isSelected) {
    return end({ ...of, did: 'skipped', status: statusOf(survey) });
  }
  try {
    const { acceptance, parts } = session;
    const found = await readWhatIsHere(survey, session, async (read) =>
      dryRun ? acceptance.check(file, read) : (await acceptance.accept(file, read)).status,
    );
    if (!('passed' in found)) return found;
    if (!dryRun) await parts.discard(file.name);
    return end({ ...of, did: 'checked', status: found.passed });
  } catch (thrown) {
    return end(await failed(survey, thrown, session));
  }
}

async function settleOne(
  damaged: DamagedFile,
  run: FetchRun,
  dryRun: boolean,
): Promise<RepairOutcome> {
  const { survey } = damaged;
  const { session } = run;
  const { file } = survey;
  const of = { file: file.name, subsets: file.subsets };
  try {
    if (dryRun) {
      const plan = await planRepair(damaged, run);
      return { ...of, did: 'planned', status: 'bad', plan };
    }
    const { receipt, repair } = await repairFile(damaged, run);
    return emitted({ ...of, did: 'repaired', status: receipt.status, repair }, session);
  } catch (thrown) {
    return emitted(await failed(survey, thrown, session), session);
  }
}

/** @throws CcxriError `aborted`: the user has stopped the run; bugs */
async function failed(
  { file }: FileSurvey,
  thrown: unknown,
  session: Session,
): Promise<RepairOutcome> {
  const of = { file: file.name, subsets: file.subsets };
  const error = session.failureOf(thrown);
  const status = statusAfter(error, await surveyFile(file, session));
  return error === undefined
    ? { ...of, did: 'stopped', status }
    : { ...of, did: 'failed', status, error };
}

function emitted(outcome: RepairOutcome, session: Session): RepairOutcome {
  const { did } = outcome;
  if (did !== 'planned') session.emitDone({ ...outcome, did });
  return outcome;
}

function absentError({ file, path }: FileSurvey): CcxriError {
  return new CcxriError('missing', `${file.name} is not here`, {
    file: file.name,
    expected: path,
    next: [
      { kind: 'run', command: 'fetch', files: [stemOf(file.name)], purpose: 'to download it' },
    ],
  });
}
