import { DEFAULT_FILES_AT_ONCE } from '../concurrency.ts';
import { areImagesSettled } from '../dataset/images.ts';
import { keepManifest } from '../dataset/kept-manifest.ts';
import { type Session, withSession } from '../dataset/session.ts';
import type { FileSurvey } from '../dataset/survey.ts';
import { sweepLeftovers } from '../dataset/sweep.ts';
import { CcxriError } from '../errors.ts';
import type { PlannedWork } from '../events.ts';
import { NOTHING_TO_FETCH } from '../plan-event.ts';
import { freeBytesAt } from '../fs/paths.ts';
import { type ManifestFile } from '../manifest/manifest.ts';
import { aboutBytesUnpacked } from '../manifest/size.ts';
import { cleanStage } from './archive.ts';
import { extractFile, planFile } from './extract-file.ts';
import type { ExtractOptions, ExtractOutcome, ExtractResult } from './types.ts';

/**
 * Unpacks archives that are here, each into a folder of its own under images/. No network. An archive
 * that the ledger does not know is checked against the manifest first. One that fails is an outcome;
 * the others go on.
 * @throws CcxriError `missing`: no such directory, or no archive in it; `nothing-selected`: the
 *   selection has no archive; `unknown-subset`, `unknown-file`; `locked`; `not-writable`; `aborted`
 */
export async function extractDataset(options: ExtractOptions): Promise<ExtractResult> {
  const { dest, dryRun = false, concurrency = DEFAULT_FILES_AT_ONCE, keepGood } = options;
  return withSession(options, { lock: !dryRun, mustExist: true }, async (session) => {
    const surveys = await surveyArchives(session);
    const result = (outcomes: readonly ExtractOutcome[]) => ({
      dest,
      dryRun,
      ...(session.shard && { shard: session.shard }),
      outcomes,
      elapsedMs: session.elapsedMs(),
    });
    if (dryRun) return result(surveys.map(planFile));
    await cleanStage(session.layout);
    await sweepLeftovers(session.layout);
    const extractOne = (survey: FileSurvey) => extractFile(survey, { session, keepGood });
    const outcomes = await session.forEachFile(surveys, extractOne, concurrency);
    if (outcomes.some(({ error }) => error === undefined)) await keepManifest(session);
    return result(outcomes);
  });
}

function selectArchives({ files, shard }: Session): readonly ManifestFile[] {
  const archives = files.filter(({ kind }) => kind === 'archive');
  if (archives.length > 0 || shard !== undefined) return archives;
  throw new CcxriError('nothing-selected', 'there is no archive in what is selected', {
    found: files.map(({ name }) => name).join(', '),
    next: [
      { kind: 'option', option: 'file', purpose: 'of archives: label files need no extraction' },
    ],
  });
}

/** What is here of the archives; without a selection those that are not here are not meant. */
async function surveyArchives(session: Session): Promise<readonly FileSurvey[]> {
  const surveys = await session.survey(selectArchives(session));
  const wanted = session.isSelected ? surveys : surveys.filter(isHere);
  if (wanted.length === 0 && session.shard === undefined) throw nothingHere(session);
  await emitPlan(wanted, session);
  return wanted;
}

function isHere({ final, images }: FileSurvey): boolean {
  return final !== 'absent' || areImagesSettled(images);
}

function nothingHere({ manifest, layout: { archives: path } }: Session): CcxriError {
  return new CcxriError('missing', `there is no archive of ${manifest.dataset} in ${path}`, {
    path,
    next: [
      {
        kind: 'run',
        command: 'fetch',
        purpose: 'to get some',
        or: { kind: 'option', option: 'dest' },
      },
    ],
  });
}

async function emitPlan(
  surveys: readonly FileSurvey[],
  { layout, onEvent }: Session,
): Promise<void> {
  const planned = (did: ExtractOutcome['did']) =>
    surveys.filter((each) => planFile(each).did === did);
  const toExtract = planned('planned');
  onEvent({
    event: 'plan',
    files: surveys.length,
    ...NOTHING_TO_FETCH,
    toExtract: toExtract.length,
    alreadyDone: planned('skipped').length,
    bytesNeededOnDisk: toExtract.reduce(
      (bytes, { finalBytes }) => bytes + aboutBytesUnpacked(finalBytes),
      0,
    ),
    bytesFreeOnDisk: await freeBytesAt(layout.images),
    work: toExtract.flatMap(workOf),
  });
}

function workOf({ file, final, finalBytes }: FileSurvey): readonly PlannedWork[] {
  const of = { file: file.name, subsets: file.subsets };
  const hash = { ...of, phase: 'hash', bytes: finalBytes } as const;
  const extract = { ...of, phase: 'extract', bytes: aboutBytesUnpacked(finalBytes) } as const;
  return final === 'checked' ? [extract] : [hash, extract];
}
