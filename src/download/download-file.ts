import { dirname } from 'node:path';
import {
  type NextStep,
  type CcxriError,
  isCcxriError,
  withDetails,
  toErrorRecord,
} from '../errors.ts';
import { makeDirectoryWithin } from '../fs/paths.ts';
import { ProgressThrottle } from '../progress-throttle.ts';
import type { HashedFile } from '../hash/hash-file.ts';
import { type ManifestFile } from '../manifest/manifest.ts';
import { aboutBytesOf } from '../manifest/size.ts';
import { isSameAddress } from '../sources/address.ts';
import { type Found, locationsOf } from '../sources/open-source.ts';
import type { Location } from '../sources/source.ts';
import { formatBytes, toPrintableUrl } from '../text.ts';
import { type DownloadContext, type Transfer, emitRetry, usableBytes } from './context.ts';
import { WRONG_BYTES, notThere, ofWholeSource, summarizeFailures, toFailure } from './failures.ts';
import type { FoundFile } from './publish.ts';
import { type WrongBytes, quarantine } from './quarantine.ts';
import { runTransfer } from './transfer.ts';

/** A whole file that may be the right one: hashed, not under its final name yet. */
export interface Candidate extends HashedFile {
  /** Printable; null: it was found in place. */
  readonly source: string | null;
  /**
   * Gives it its final name, in a directory that is made if need be, and flushes both.
   * @param damaged the file of that name that it replaces
   * @throws CcxriError `occupied`; `part-deleted`; of the disk
   */
  moveTo(finalPath: string, damaged?: FoundFile): Promise<void>;
  /**
   * It was not taken, for whatever reason: `downloadCandidates` goes on from there, or throws it,
   * when the next candidate is asked for.
   */
  reject(error: unknown): Promise<void>;
}

/**
 * Downloads a file: what an earlier run left whole, then what source after source serves; each
 * source a second time, from the first byte, if its first candidate is rejected for its bytes. The
 * consumer ends the loop by `return` or `break` once it has moved a candidate; otherwise it must
 * `reject` it. A source that lacks the file, fails, or serves something else is left for the next,
 * and none of its bytes are kept.
 * @throws CcxriError the most specific of the sources' errors; of the disk; `occupied`; `aborted`
 */
export async function* downloadCandidates(
  file: ManifestFile,
  context: DownloadContext,
): AsyncGenerator<Candidate, void, void> {
  const part = await context.parts.open({ name: file.name, md5: file.md5 });
  const progress = new ProgressThrottle(context.clock, context.onEvent);
  const transfer: Transfer = { file, part, context, progress };
  try {
    yield* fromKeptPart(transfer);
    yield* fromSources(transfer);
  } catch (error) {
    throw isCcxriError(error, 'disk-full') ? await leaveOnFullDisk(transfer, error) : error;
  } finally {
    await part.leave();
  }
}

/** An earlier run ended between the last byte and the final name: no network is needed. */
async function* fromKeptPart(transfer: Transfer): AsyncGenerator<Candidate, void, void> {
  const { part } = transfer;
  if (!part.isComplete) return;
  const source = toPrintableUrl(part.origin.url);
  emitStart(transfer, source);
  try {
    yield* offer(transfer, source);
  } catch (error) {
    if (!(await startOver(transfer, error))) throw error;
  }
}

async function* fromSources(transfer: Transfer): AsyncGenerator<Candidate, void, void> {
  const { file, part, context } = transfer;
  const failures: CcxriError[] = [];
  for await (const found of locationsOf(file, context.sources, context.signal)) {
    try {
      yield* fromSource(transfer, found);
    } catch (error) {
      const { name } = found.source;
      const failure = toFailure(error, name);
      failures.push(failure);
      if (found.source === context.sources.at(-1)) continue;
      const source = failure.facts.source ?? name;
      const record = toErrorRecord(failure);
      context.onEvent({ event: 'source-left', file: file.name, source, error: record });
    }
  }
  throw summarizeFailures(failures, file, part.isUsable ? part.heldBytes : 0);
}

/** @returns the error, with what of the file is kept, and how much space the rest takes */
async function leaveOnFullDisk(
  { file, part, context }: Transfer,
  error: CcxriError,
): Promise<CcxriError> {
  const totalBytes = part.origin.totalBytes ?? aboutBytesOf(file);
  // What can't be flushed is lost; what was flushed before is kept.
  await part.leave().catch(() => undefined);
  const bytes = await context.parts.bytesHere(file);
  const [kept, rest] = [formatBytes(bytes), formatBytes(Math.max(0, totalBytes - bytes))];
  return withDetails(error, {
    message: `${file.name}: ${error.message}`,
    file: file.name,
    kept: bytes > 0 ? `${kept} of it, in ${dirname(part.path)}` : 'nothing of it',
    next: [
      {
        kind: 'advice',
        text: `free at least ${rest} for the rest of ${file.name}`,
        or: { kind: 'option', option: 'dest' },
      },
      { kind: 'again', purpose: 'to resume it' },
    ],
  });
}

async function* fromSource(
  transfer: Transfer,
  found: Found,
): AsyncGenerator<Candidate, void, void> {
  const { source, location, error } = found;
  const { file, part, context } = transfer;
  const { signal } = context;
  if (error !== undefined) throw ofWholeSource(error);
  if (location === undefined) throw notThere(file, source);
  const locateAgain = () => source.locateAgain?.(file, signal) ?? source.locate(file, signal);
  emitStart(transfer, source.name, location);
  for (let isAgain = false; ; isAgain = true) {
    try {
      await runTransfer({ ...transfer, isStrict: isAgain }, { location, locateAgain });
      yield* offer(transfer, source.name);
    } catch (failure) {
      // Once more from the first byte: resumed bytes may be of another version, a disk may have lost
      // data. If it is wrong twice, the source has the wrong file.
      if (!isAgain && (await startOver(transfer, failure))) continue;
      if (part.md5 === undefined || !isCcxriError(failure, ...WRONG_BYTES)) throw failure;
      const candidate = { path: part.path, bytes: part.bytes, md5: part.md5 };
      const of = { file, source: source.name, error: failure, date: context.clock.date() };
      throw await quarantineWrong(transfer, { ...of, candidate });
    }
  }
}

/** Hashes the whole part. @throws what the candidate is rejected with */
async function* offer(
  { file, part, context }: Transfer,
  source: string,
): AsyncGenerator<Candidate, void, void> {
  const { path, bytes } = part;
  const md5 = await part.finish();
  const end: { isTaken: boolean; rejection: unknown } = {
    isTaken: false,
    rejection: new Error(`${file.name}: a candidate was neither moved nor rejected`),
  };
  try {
    yield {
      path,
      bytes,
      md5,
      source,
      moveTo: async (finalPath, damaged) => {
        await makeDirectoryWithin(dirname(finalPath));
        await part.moveTo(finalPath, damaged);
        end.isTaken = true;
      },
      reject: (error) => {
        end.isTaken = false;
        end.rejection = error;
        return Promise.resolve();
      },
    };
    throw end.rejection;
  } finally {
    if (end.isTaken) {
      context.onEvent({ event: 'phase-done', file: file.name, phase: 'download', bytes, md5 });
    }
  }
}

/** @returns false: another attempt would not help */
async function startOver(transfer: Transfer, failure: unknown): Promise<boolean> {
  const { part } = transfer;
  if (isCcxriError(failure, 'part-deleted')) await part.recreate();
  else if (isCcxriError(failure, ...WRONG_BYTES)) await part.restart();
  else return false;
  emitRetry(transfer, failure, {});
  return true;
}

const TWICE_WRONG: readonly NextStep[] = [
  {
    kind: 'option',
    option: 'source',
    purpose: 'to try elsewhere: it was downloaded twice, and was wrong both times',
  },
];

/** @returns the error, with where the bytes are now, and what can be done */
async function quarantineWrong(
  { part, context }: Transfer,
  wrong: WrongBytes,
): Promise<CcxriError> {
  const { keepsWrongBytes: keepsBytes, quarantineDir } = context;
  const where = await quarantine({ ...wrong, keepsBytes }, quarantineDir, (to) =>
    part.moveAway(to),
  );
  return withDetails(wrong.error, {
    kept: keepsBytes === false ? `a record, in ${where}` : `the wrong bytes, in ${where}`,
    next: wrong.error.next.length > 0 ? wrong.error.next : TWICE_WRONG,
  });
}

/** @param location undefined: all of the file is on disk already */
function emitStart({ file, part, context }: Transfer, source: string, location?: Location): void {
  const { heldBytes, origin } = part;
  const url = location?.kind === 'url' ? location.url : '';
  const resumes = location === undefined || usableBytes(part, url) > 0;
  const isForeign = !resumes && part.isUsable && !isSameAddress(origin.url, url);
  context.onEvent({
    event: 'phase-start',
    file: file.name,
    phase: 'download',
    source,
    ...(isForeign ? { uselessBytes: heldBytes } : {}),
    doneBytes: resumes ? heldBytes : 0,
    totalBytes: (resumes ? origin.totalBytes : null) ?? file.bytes ?? null,
  });
}
