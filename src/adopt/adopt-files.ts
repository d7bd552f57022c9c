import { throwIfAborted } from '../abort.ts';
import { finalPathOf } from '../dataset/layout.ts';
import { type FileSurvey, statusAfter, statusOf, surveyFile } from '../dataset/survey.ts';
import { WRONG_BYTES } from '../download/failures.ts';
import { placeFile } from '../download/publish.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import { freeBytesAt, isAbsent, makeDirectory, removeIfThere, statOrNull } from '../fs/paths.ts';
import { NOTHING_TO_FETCH } from '../plan-event.ts';
import { toPrintable } from '../text.ts';
import { type PlausibleFile, leaveUnreadable } from './find-files.ts';
import { type FileMatch, matchFiles } from './match-files.ts';
import { type AdoptRun, failureOf } from './run.ts';
import { type HashedSeen, goneFrom, removeFound, stageFile, statOf } from './take-file.ts';
import type { AdoptedFile, TakenHow } from './types.ts';

/** Copied at once: a disk has one head, and a share a few. */
const FILES_AT_ONCE = 4;

export interface FilesAdopted {
  /** In the manifest's order. */
  readonly outcomes: readonly AdoptedFile[];
  /** Files whose MD5 is none of the published ones, and that are not an archive by name and content either. */
  readonly others: readonly HashedSeen[];
  readonly filesHashed: number;
  readonly bytesHashed: number;
}

/**
 * Hashes what may be a whole file of the dataset, each once though its size may be that of many, and takes
 * what has passed.
 * @throws CcxriError `aborted`; bugs
 */
export async function adoptFiles(
  plausible: readonly PlausibleFile[],
  run: AdoptRun,
): Promise<FilesAdopted> {
  const hashed = await hashAll(plausible, run);
  const { matches, others } = matchFiles(hashed, run.session.files);
  const outcomes = await run.session.forEachFile(
    matches,
    (match) => adoptFile(match, run),
    FILES_AT_ONCE,
  );
  for (const { outcome, left } of outcomes) {
    for (const { path } of left) run.left.add('not-needed', path, `${outcome.file} once more`);
  }
  return {
    outcomes: outcomes.map(({ outcome }) => outcome),
    others: [...others, ...refusedIn(outcomes)],
    filesHashed: hashed.length,
    bytesHashed: hashed.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** What had no more than the name of an archive, and was nothing else either: a zip of images it may be. */
function refusedIn(ends: readonly FileEnd[]): readonly HashedSeen[] {
  const used = new Set(
    ends.flatMap(({ outcome, left }) => [
      ...(outcome.did === 'failed' ? [] : [outcome.from]),
      ...left.map(({ path }) => path),
    ]),
  );
  const refused = new Set(ends.flatMap((end) => end.refused));
  return [...refused].filter(({ path }) => !used.has(path));
}

async function hashAll(
  plausible: readonly PlausibleFile[],
  run: AdoptRun,
): Promise<readonly HashedSeen[]> {
  if (plausible.length === 0) return [];
  await emitPlan(plausible, run);
  const { session, left } = run;
  const hashed = await session.forEachFile(plausible, async (seen) => {
    try {
      const stats = await statOf(seen.path);
      const read = await session.hash(toPrintable(seen.path, 4096), seen.path, seen.bytes);
      return { ...seen, ...read, stats };
    } catch (error) {
      throwIfAborted(session.signal);
      leaveUnreadable(isAbsent(error) ? goneFrom(seen.path) : error, seen.path, left);
      return undefined;
    }
  });
  return hashed.filter((each) => each !== undefined);
}

async function emitPlan(
  plausible: readonly PlausibleFile[],
  { session: { onEvent, layout } }: AdoptRun,
): Promise<void> {
  onEvent({
    event: 'plan',
    files: plausible.length,
    ...NOTHING_TO_FETCH,
    bytesFreeOnDisk: await freeBytesAt(layout.root),
    work: plausible.map(({ path, bytes }) => ({
      file: toPrintable(path, 4096),
      subsets: [],
      phase: 'hash',
      bytes,
    })),
  });
}

interface FileEnd {
  readonly outcome: AdoptedFile;
  /** Copies of it that were not needed. */
  readonly left: readonly HashedSeen[];
  /** Matched by name alone, and refused for their bytes. */
  readonly refused: readonly HashedSeen[];
}

/** Of several copies the first that passes is taken. What goes wrong is the outcome. */
async function adoptFile({ file, found }: FileMatch, run: AdoptRun): Promise<FileEnd> {
  const { session } = run;
  let failed: AdoptedFile | undefined;
  const refused: HashedSeen[] = [];
  for (const [at, each] of found.entries()) {
    const { name, subsets } = file;
    const of = { file: name, subsets, from: each.path, bytes: each.bytes, md5: each.md5 };
    try {
      const survey = await surveyFile(file, session);
      const taken = await settle(survey, each, run);
      const status = run.dryRun ? statusOf(survey) : statusOf(await surveyFile(file, session));
      const outcome = { ...of, ...taken, status };
      const did = ({ adopted: 'adopted', here: 'skipped', planned: 'skipped' } as const)[taken.did];
      session.emitDone({ file: name, status, did });
      return { outcome, left: found.slice(at + 1), refused };
    } catch (thrown) {
      const error = failureOf(thrown, name, run);
      const status = statusAfter(error, await surveyFile(file, session));
      failed ??= { ...of, did: 'failed', how: null, status, error };
      if (each.md5 !== file.md5 && isCcxriError(error, ...WRONG_BYTES)) refused.push(each);
    }
  }
  if (failed === undefined) throw new Error(`${file.name}: matched by nothing`);
  const { status, error } = failed;
  session.emitDone({ file: file.name, status, did: 'failed', error });
  return { outcome: failed, left: [], refused };
}

type Settled =
  | { readonly did: 'adopted'; readonly how: TakenHow }
  | { readonly did: 'here' | 'planned'; readonly how: null };

async function settle(survey: FileSurvey, found: HashedSeen, run: AdoptRun): Promise<Settled> {
  const { session, dryRun } = run;
  const { file, final } = survey;
  if (final === 'checked') return { did: 'here', how: null };
  if (dryRun) {
    await session.acceptance.check(file, found);
    return { did: 'planned', how: null };
  }
  if (final !== 'absent' && (await passesInPlace(survey, run))) return { did: 'here', how: null };
  return take(survey, found, run);
}

/** @returns false: it is ours, and damaged. @throws CcxriError `occupied`: it is not known, and wrong */
async function passesInPlace(survey: FileSurvey, { session }: AdoptRun): Promise<boolean> {
  const { file, path, finalBytes, receipt } = survey;
  try {
    await session.acceptance.accept(file, await session.hash(file.name, path, finalBytes));
    return true;
  } catch (error) {
    if (!isCcxriError(error, ...WRONG_BYTES)) throw error;
    // Only what this ledger knows to have put there may be replaced.
    if (receipt !== undefined) return false;
    throw new CcxriError('occupied', `${path} is in the way: it is not ${file.name}`, {
      file: file.name,
      path,
      kept: 'the file that is there, and the one that was found',
      next: [{ kind: 'advice', text: 'move it away' }, { kind: 'again' }],
      cause: error,
    });
  }
}

/** Brought to a private name, checked, renamed: as a download. */
async function take(survey: FileSurvey, found: HashedSeen, run: AdoptRun): Promise<Settled> {
  const { session, link } = run;
  const { file } = survey;
  const { layout, acceptance, parts } = session;
  await makeDirectory(layout.partial);
  await makeDirectory(file.kind === 'archive' ? layout.archives : layout.labels);
  const damaged = (await statOrNull(finalPathOf(layout, file))) ?? undefined;
  const staged = await stageFile(found, run);
  const { bytes, md5 } = found;
  const candidate = { path: staged.path, bytes, md5 };
  try {
    await acceptance.accept(file, {
      ...candidate,
      source: toPrintable(found.path, 4096),
      moveTo: (path) => placeFile(candidate, path, damaged),
    });
  } catch (error) {
    // What can't be removed now is a leftover, which the next run removes.
    await removeIfThere(staged.path).catch(() => undefined);
    throw error;
  }
  await parts.discard(file.name);
  if (link === 'move' && (await removeFound(found))) return { did: 'adopted', how: 'moved' };
  return { did: 'adopted', how: staged.isLinked ? 'linked' : 'copied' };
}
