import { constants } from 'node:fs';
import { copyFile, link, lstat } from 'node:fs/promises';
import { throwIfAborted } from '../abort.ts';
import type { Receipt } from '../dataset/ledger.ts';
import { knownSizeOf } from '../dataset/survey.ts';
import type { DownloadContext } from '../download/context.ts';
import { type Candidate, downloadCandidates } from '../download/download-file.ts';
import { WRONG_BYTES } from '../download/failures.ts';
import type { FoundFile } from '../download/publish.ts';
import { quarantine } from '../download/quarantine.ts';
import type { Seed } from '../download/seed-part.ts';
import { bytesOf } from '../download/spans.ts';
import { type CcxriError, errnoOf, isCcxriError, toDiskError, withDetails } from '../errors.ts';
import { removeIfThere } from '../fs/paths.ts';
import { examineDamage, heldSpans } from './examine-damage.ts';
import type { DamagedFile, RepairPlan, RepairReport } from './repair-types.ts';
import { dropRanges, takeRanges } from './take-ranges.ts';
import type { FetchRun } from './with-downloads.ts';

export interface Repaired {
  readonly receipt: Receipt;
  readonly repair: RepairReport;
}

/** What a repair works with. */
interface Repair {
  readonly damaged: DamagedFile;
  /** What is replaced, and nothing else. */
  readonly found: FoundFile;
  readonly run: FetchRun;
  readonly downloads: DownloadContext;
}

/**
 * Puts a damaged file right: what is good of it is copied into a part, and the rest of that is downloaded.
 * The damaged file keeps its name until the other one has passed, and is replaced by a rename.
 * @throws CcxriError as `downloadCandidates`; the damaged file is unchanged then
 */
export async function repairFile(damaged: DamagedFile, run: FetchRun): Promise<Repaired> {
  const { path } = damaged.survey;
  let fetchedBytes = 0;
  const downloads: DownloadContext = {
    ...run.downloads,
    onBytes: (bytes) => {
      fetchedBytes += bytes;
      run.downloads.onBytes(bytes);
    },
  };
  try {
    const found = await lstat(path);
    await noteBad(damaged, run);
    const repair = { damaged, found, run: { ...run, downloads }, downloads };
    const { receipt, ...report } = await repairBySeeds(repair);
    await dropRanges(damaged.survey.file, run.session);
    return { receipt, repair: { ...report, fetchedBytes } };
  } catch (error) {
    throwIfAborted(run.session.signal);
    const failure = toDiskError(error, 'repair', { path });
    if (!isCcxriError(failure)) throw failure;
    throw withDetails(failure, { kept: keptOf(failure, path) });
  }
}

function keptOf({ facts }: CcxriError, path: string): string {
  const unchanged = `${path}, damaged as it is`;
  return facts.kept === undefined ? unchanged : `${facts.kept}; ${unchanged}`;
}

type Result = Omit<RepairReport, 'fetchedBytes'> & Pick<Repaired, 'receipt'>;

async function repairBySeeds(repair: Repair): Promise<Result> {
  const { damaged, run, downloads } = repair;
  const { seeds, source, ...of } = await examine(damaged, run);
  const sources = [
    ...(source === undefined ? [] : [source]),
    ...downloads.sources.filter((other) => other !== source),
  ];
  const here = { ...repair, downloads: { ...downloads, sources } };
  for (const seed of seeds) {
    const report = { ...of, ...keptBy(seed) };
    emitRepair(repair, report);
    const receipt = await tryWithSeed(here, seed);
    if (receipt !== undefined) return { ...report, receipt };
  }
  const wholeBecause = seeds.length > 0 ? 'its MD5 is still wrong' : of.wholeBecause;
  return downloadWhole(here, { ...of, keptBytes: 0, wholeBecause });
}

/**
 * How a file would be put right. Nothing is written.
 * @throws CcxriError of the disk; `aborted`
 */
export async function planRepair(damaged: DamagedFile, run: FetchRun): Promise<RepairPlan> {
  const { badMembers, isDirectoryBad, seeds, wholeBecause } = await examine(damaged, run);
  const found = { badMembers, isDirectoryBad };
  const [seed] = seeds;
  if (seed === undefined) {
    const bytesToFetch = knownSizeOf(damaged.survey).bytes;
    return { ...found, keptBytes: 0, wholeBecause, bytesToFetch };
  }
  const bytesToFetch = seed.origin.totalBytes - bytesOf(heldSpans(seed));
  return { ...found, ...keptBy(seed), bytesToFetch };
}

function keptBy({ base }: Seed) {
  return { keptBytes: bytesOf(base.spans), wholeBecause: null };
}

async function examine(damaged: DamagedFile, run: FetchRun) {
  const examined = await examineDamage(damaged, run);
  if (!('why' in examined)) return { ...examined, wholeBecause: 'too little of it is good' };
  const nothing = { badMembers: [], isDirectoryBad: false, source: undefined, seeds: [] };
  return { ...nothing, wholeBecause: examined.why };
}

function emitRepair({ damaged, downloads }: Repair, report: Omit<Result, 'receipt'>): void {
  downloads.onEvent({ event: 'repair', file: damaged.survey.file.name, ...report });
}

/** @returns undefined: put together, it is not the published file */
async function tryWithSeed(repair: Repair, seed: Seed): Promise<Receipt | undefined> {
  const { file } = repair.damaged.survey;
  const { parts } = repair.downloads;
  // A repair that was interrupted has left more.
  if ((await parts.bytesHere(file)) < bytesOf(heldSpans(seed))) await parts.seed(file, seed);
  for await (const candidate of downloadCandidates(file, repair.downloads)) {
    try {
      return await accept(repair, candidate);
    } catch (error) {
      await candidate.reject(error);
      if (isCcxriError(error, ...WRONG_BYTES)) break;
    }
  }
  await parts.discard(file.name);
  return undefined;
}

async function downloadWhole(repair: Repair, report: Omit<Result, 'receipt'>): Promise<Result> {
  const { file } = repair.damaged.survey;
  emitRepair(repair, report);
  await takeRanges(file, repair.run);
  for await (const candidate of downloadCandidates(file, repair.downloads)) {
    try {
      return { ...report, receipt: await accept(repair, candidate) };
    } catch (error) {
      await candidate.reject(error);
    }
  }
  throw new Error(`${file.name}: neither a candidate nor an error`);
}

function accept(repair: Repair, candidate: Candidate): Promise<Receipt> {
  const { damaged, found, run } = repair;
  return run.session.acceptance.accept(damaged.survey.file, {
    ...candidate,
    moveTo: async (path) => {
      await keepForeign(repair);
      await candidate.moveTo(path, found);
    },
  });
}

/** What ccxri did not put there is not lost: it gets a second name in the quarantine, one for each content. */
async function keepForeign({ damaged, run: { session } }: Repair): Promise<void> {
  const { survey, candidate, error } = damaged;
  const { file, path, receipt } = survey;
  if (receipt !== undefined) return;
  const name = `${candidate.md5}-${file.name}`;
  const wrong = { file, name, candidate, error, date: session.clock.date() };
  await quarantine(wrong, session.layout.bad, async (to) => {
    await removeIfThere(to);
    try {
      await link(path, to);
    } catch (linkError) {
      if (errnoOf(linkError) === undefined) throw linkError;
      await copyFile(path, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    }
  });
}

/** Until it has been replaced, no run takes it for the file that passed. */
async function noteBad({ survey }: DamagedFile, { session }: FetchRun): Promise<void> {
  const { receipt, file } = survey;
  if (receipt === undefined) return;
  const since = receipt.checkedAt.slice(0, 10);
  const message = `${file.name} was right on ${since} and is not what was published now: repairing it`;
  session.onEvent({ event: 'warning', code: 'disk', file: file.name, message });
  await session.ledger.noteFoundBad(receipt, session.clock.date());
}
