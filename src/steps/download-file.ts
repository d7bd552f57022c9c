import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PartFile } from '../disk/part-file.ts';
import { CcxriError, isCcxriError, toDiskError, toErrorRecord, type ErrorCode } from '../errors.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { locationsOf } from '../sources/chain.ts';
import type { Location } from '../sources/source.ts';
import type { DownloadContext } from './download-context.ts';
import type { Candidate } from './judge.ts';
import { transfer } from './transfer.ts';

/** Accepts the bytes, and lets them stand; throws where they are wrong. */
export type Accept = (candidate: Candidate, part: PartFile, source: string) => Promise<void>;

/**
 * Downloads a file from the first source that gives the right one. A source that lacks it, fails,
 * or serves something else is left for the next, and none of its bytes are kept.
 * @returns bytes and MD5 of what was accepted, and the source's name
 * @throws CcxriError the most telling of what the sources said
 */
export async function downloadFile(
  file: ManifestFile,
  context: DownloadContext,
  accept: Accept,
): Promise<{ readonly source: string; readonly candidate: Candidate }> {
  const part = await context.parts.open({ name: file.name, md5: file.md5 });
  const failures: CcxriError[] = [];
  try {
    for await (const { source, location, error } of locationsOf(
      file,
      context.sources,
      context.signal,
    )) {
      try {
        if (error !== undefined) throw error;
        if (location === undefined) throw notThere(file, source.name);
        tellStart(file, part, { context, source: source.name });
        const candidate = await fromLocation({ file, part, context }, location, (it) =>
          accept(it, part, source.name),
        );
        return { source: source.name, candidate };
      } catch (failure) {
        failures.push(toFailure(failure, source.name));
        if (source === context.sources.at(-1)) continue;
        tellLeft(file, context, source.name, failures.at(-1));
      }
    }
    throw summarize(file, failures);
  } finally {
    await part.leave();
  }
}

function tellStart(
  file: ManifestFile,
  part: PartFile,
  { context, source }: { readonly context: DownloadContext; readonly source: string },
): void {
  context.onEvent({
    event: 'phase-start',
    file: file.name,
    phase: 'download',
    source,
    doneBytes: part.bytes,
    totalBytes: part.origin.totalBytes ?? file.bytes ?? null,
  });
}

function tellLeft(
  file: ManifestFile,
  context: DownloadContext,
  source: string,
  failure: CcxriError | undefined,
): void {
  if (failure === undefined) return;
  context.onEvent({
    event: 'source-left',
    file: file.name,
    source,
    error: toErrorRecord(failure),
  });
}

function notThere(file: ManifestFile, source: string): CcxriError {
  return new CcxriError('file-not-at-source', `${file.name} is not at ${source}`, {
    file: file.name,
    source,
  });
}

/** What ends the run (a stop, a full disk, a bug) passes; the rest is this source's failure. */
function toFailure(error: unknown, source: string): CcxriError {
  if (!isCcxriError(error) || ENDS_THE_RUN.has(error.code)) throw error;
  return new CcxriError(error.code, error.message, {
    source,
    ...error.facts,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}

const ENDS_THE_RUN: ReadonlySet<ErrorCode> = new Set([
  'aborted',
  'disk-full',
  'disk-space',
  'disk-io',
  'not-writable',
  'usage',
  'manifest-invalid',
] as const);

async function fromLocation(
  reception: { file: ManifestFile; part: PartFile; context: DownloadContext },
  location: Location,
  accept: (candidate: Candidate) => Promise<void>,
): Promise<Candidate> {
  const { file, part, context } = reception;
  for (let refetched = false; ; refetched = true) {
    await transfer(reception, location);
    const { bytes } = part;
    const md5 = await part.finish();
    const candidate: Candidate = { path: part.path, bytes, md5 };
    try {
      await accept(candidate);
      context.onEvent({ event: 'phase-done', file: file.name, phase: 'download', bytes, md5 });
      return candidate;
    } catch (error) {
      if (!isCcxriError(error, ...WRONG_BYTES)) throw error;
      // Once more from the first byte: resumed bytes may be of another version, a disk may have
      // lied. Twice the same is the source's answer.
      if (refetched) {
        await putAside(reception, candidate, error);
        throw error;
      }
      await part.restart();
      tellRefetch(reception, error);
    }
  }
}

const WRONG_BYTES: readonly ErrorCode[] = [
  'md5-mismatch',
  'size-mismatch',
  'damaged-archive',
  'unsafe-archive',
];

function tellRefetch(
  { file, context }: { file: ManifestFile; context: DownloadContext },
  error: CcxriError,
): void {
  context.onEvent({
    event: 'retry',
    file: file.name,
    attempt: 1,
    delayMs: 0,
    error: toErrorRecord(error),
    keptBytes: 0,
  });
}

/** Keeps the wrong bytes where somebody can look at them, with what is known of them. */
async function putAside(
  { file, part, context }: { file: ManifestFile; part: PartFile; context: DownloadContext },
  candidate: Candidate,
  error: CcxriError,
): Promise<void> {
  const path = join(context.badDirectory, file.name);
  const record = {
    file: file.name,
    expectedMd5: file.md5,
    foundMd5: candidate.md5,
    bytes: candidate.bytes,
    date: context.clock.date().toISOString(),
    error: toErrorRecord(error),
  };
  try {
    await mkdir(context.badDirectory, { recursive: true });
    await part.setAside(path);
    await writeFile(`${path}.json`, `${JSON.stringify(record, null, 2)}\n`);
  } catch (failure) {
    throw toDiskError(failure, 'put the wrong file aside', { path });
  }
}

/** How telling an error is, the most first: what was served says more than what was not. */
const TELLING: readonly ErrorCode[] = [
  'unsafe-archive',
  'md5-mismatch',
  'size-mismatch',
  'damaged-archive',
  'not-the-file',
  'stalled',
  'network',
  'http-status',
  'source-unusable',
  'file-not-at-source',
];

function summarize(file: ManifestFile, failures: readonly CcxriError[]): CcxriError {
  const telling = [...failures].sort((a, b) => rank(a.code) - rank(b.code))[0];
  if (telling === undefined) return notThere(file, 'any source');
  return new CcxriError(telling.code, telling.message, {
    ...telling.facts,
    file: file.name,
    ...(failures.length > 1 ? { reasons: failures.map(toReason) } : {}),
    ...(telling.hint === undefined ? {} : { hint: telling.hint }),
    cause: telling,
  });
}

function toReason(failure: CcxriError): string {
  return `${failure.facts.source ?? 'source'}: ${failure.message}`;
}

function rank(code: ErrorCode): number {
  const place = TELLING.indexOf(code);
  return place < 0 ? TELLING.length : place;
}
