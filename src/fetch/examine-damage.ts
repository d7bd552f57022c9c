import { throwIfAborted } from '../abort.ts';
import { fitsManifest } from '../dataset/ledger.ts';
import type { Piece, Seed } from '../download/seed-part.ts';
import { type Spans, addSpan, bytesOf, gapsOf } from '../download/spans.ts';
import { CcxriError } from '../errors.ts';
import type { EventListener, PhaseProgress } from '../events.ts';
import { ProgressThrottle } from '../progress-throttle.ts';
import { mergeRanges } from '../ranges/merge-ranges.ts';
import { openAtSource } from '../ranges/open-ranged.ts';
import type { RangedFile } from '../ranges/ranged-file.ts';
import type { Source } from '../sources/source.ts';
import { formatCount } from '../text.ts';
import { type ArchiveDamage, findDamage } from '../zip/find-damage.ts';
import { type ArchiveListing, readListing } from '../zip/listing.ts';
import {
  type ByteRange,
  type FileReader,
  type RandomReader,
  openFileReader,
} from '../zip/reader.ts';
import { type AtSource, atEachSource, isOfSource } from './each-source.ts';
import type { DamagedFile } from './repair-types.ts';
import type { FetchRun } from './with-downloads.ts';

/** What of a damaged archive is right, and where the rest of it is. */
interface Examined {
  /** It serves parts of the archive. */
  readonly source: Source;
  /** Members that are damaged, or that the file ends before: below images/<archive>/. */
  readonly badMembers: readonly string[];
  /** The directory, or what stands behind it, is not the published one. */
  readonly isDirectoryBad: boolean;
  /**
   * What to keep of it: first all but what is wrong for sure; then, if the MD5 is wrong all the same,
   * nothing but what a CRC-32 vouches for. Those are left out that would cost more than they save.
   */
  readonly seeds: readonly Seed[];
}

/**
 * Compares a damaged archive with its directory at the first source that serves parts of it.
 * @returns or why that can't be done
 * @throws CcxriError of the disk; `aborted`
 */
export async function examineDamage(
  damaged: DamagedFile,
  run: FetchRun,
): Promise<Examined | { readonly why: string }> {
  const { file } = damaged.survey;
  if (file.kind !== 'archive') return { why: 'it is no archive' };
  // Not an event for each source: the download that may follow tries them once more.
  const downloads = { ...run.downloads, onEvent: () => undefined };
  const quiet = { ...run, withSources: () => Promise.resolve({ ...run, downloads }) };
  try {
    const each = { file, run: quiet, isInPlace: false };
    return await atEachSource(each, (at) => examineAt(damaged, at));
  } catch (error) {
    throwIfAborted(run.session.signal);
    if (!isOfSource(error)) throw error;
    return { why: error.message };
  }
}

async function examineAt(
  damaged: DamagedFile,
  at: AtSource,
): Promise<Examined | { readonly why: string }> {
  const { file } = damaged.survey;
  const { run } = at;
  const { ranged, source } = await openAtSource(file, run.downloads);
  at.source = source;
  try {
    const { url } = ranged;
    if (url === null) return { why: `${ranged.place} is on this machine` };
    assertSameLength(damaged, ranged);
    const recorder = new Recorder(ranged);
    const listing = await readListing(recorder, { file: file.name, signal: run.session.signal });
    await assertSameMembers(damaged, listing, run);
    const { pieces } = recorder;
    const { sizeBytes: totalBytes, validator } = ranged;
    const right = { listing, pieces, origin: { url, validator, totalBytes } };
    return { source, ...(await compare(damaged, right, run)) };
  } finally {
    await ranged.close();
  }
}

/** Keeps what is read. */
class Recorder implements RandomReader {
  readonly pieces: Piece[] = [];
  readonly #reader: RandomReader;

  constructor(reader: RandomReader) {
    this.#reader = reader;
  }

  get sizeBytes(): number {
    return this.#reader.sizeBytes;
  }

  async read(into: Buffer, position: number): Promise<void> {
    await this.#reader.read(into, position);
    // A copy: who reads may change what it gets.
    this.pieces.push({ at: position, bytes: Buffer.from(into) });
  }

  assertUnchanged(): Promise<void> {
    return this.#reader.assertUnchanged();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Once it has passed, its length is known. */
function assertSameLength({ survey }: DamagedFile, { sizeBytes, place }: RangedFile): void {
  const { file, receipt } = survey;
  if (receipt === undefined || !fitsManifest(file, receipt) || receipt.bytes === sizeBytes) return;
  throw otherArchive(file.name, place, {
    expected: `${formatCount(receipt.bytes)} bytes`,
    found: `${formatCount(sizeBytes)} bytes`,
  });
}

/** What was extracted from it when it was right is known as well. */
async function assertSameMembers(
  { survey: { file, receipt } }: DamagedFile,
  { members }: ArchiveListing,
  { session: { ledger } }: FetchRun,
): Promise<void> {
  const known = await ledger.readMembers(file.name);
  if (known?.resized !== undefined) return;
  if (known?.isComplete !== true || known.md5 === null || known.md5 !== receipt?.md5) return;
  const crcs = new Map(known.members.map(({ path, crc32 }) => [path, crc32]));
  if (members.every(({ path, crc32 }) => crcs.get(path) === crc32)) return;
  throw otherArchive(file.name, 'the source', {
    expected: 'the members that were extracted when it was right',
    found: 'others',
  });
}

function otherArchive(
  file: string,
  place: string,
  facts: { readonly expected: string; readonly found: string },
): CcxriError {
  const message = `${file}: what ${place} has is another archive of that name`;
  return new CcxriError('not-the-file', message, { file, ...facts });
}

interface RightArchive extends Pick<Seed, 'origin' | 'pieces'> {
  readonly listing: ArchiveListing;
}

async function compare(
  { survey: { file, path } }: DamagedFile,
  right: RightArchive,
  { session }: FetchRun,
): Promise<Omit<Examined, 'source'>> {
  const reader = await openFileReader(path);
  try {
    const { listing, origin, pieces } = right;
    const { unpackPool: pool, signal } = session;
    const check = new CheckReport(file.name, listing, session);
    const onBytes = (doneBytes: number) => check.onBytes(doneBytes);
    const damage = await findDamage(reader, listing, { file: file.name, pool, signal, onBytes });
    check.end(damage);
    const isDirectoryBad = await differs(reader, pieces, listing.directoryStart);
    const { bad, badMembers } = damage;
    const isAsPublished = bad.length === 0 && !isDirectoryBad;
    const toSeed = (spans: Spans): Seed => ({ origin, base: { path, spans }, pieces });
    // What looks right in every way would only be hashed once more.
    const isCut = reader.sizeBytes !== origin.totalBytes;
    const likely = isAsPublished && !isCut ? [] : [toSeed(likelySpans(damage, reader, listing))];
    const seeds = [...likely, toSeed(toSpans(damage.proven))].filter(isWorthIt);
    return { badMembers, isDirectoryBad, seeds };
  } finally {
    await reader.close();
  }
}

/** Emits the progress of the phase `check`. */
class CheckReport {
  readonly #phase: Omit<PhaseProgress, 'doneBytes'>;
  readonly #onEvent: EventListener;
  readonly #progress: ProgressThrottle;
  #doneBytes = 0;

  constructor(file: string, { members }: ArchiveListing, { clock, onEvent }: FetchRun['session']) {
    const totalBytes = members.reduce((sum, { size }) => sum + size, 0);
    this.#phase = { file, phase: 'check', totalBytes };
    this.#onEvent = onEvent;
    this.#progress = new ProgressThrottle(clock, onEvent);
    onEvent({ event: 'phase-start', ...this.#phase, doneBytes: 0 });
  }

  onBytes(doneBytes: number): void {
    this.#doneBytes = doneBytes;
    this.#progress.emit({ ...this.#phase, doneBytes });
  }

  end({ proven }: ArchiveDamage): void {
    const { file, phase } = this.#phase;
    const [bytes, members] = [this.#doneBytes, proven.length];
    this.#onEvent({ event: 'phase-done', file, phase, bytes, members });
  }
}

/** Whether the file has other bytes from `start` on than were read at the source, or lacks them. */
async function differs(
  reader: FileReader,
  pieces: readonly Piece[],
  start: number,
): Promise<boolean> {
  for (const { at, bytes } of pieces) {
    const wanted = bytes.subarray(Math.min(bytes.length, Math.max(0, start - at)));
    const from = at + bytes.length - wanted.length;
    if (from + wanted.length > reader.sizeBytes) return true;
    const own = Buffer.allocUnsafe(wanted.length);
    await reader.read(own, from);
    if (!own.equals(wanted)) return true;
  }
  return false;
}

/** All in front of the directory but what is wrong for sure: small good bytes between that as well. */
function likelySpans({ bad }: ArchiveDamage, reader: FileReader, listing: ArchiveListing): Spans {
  const end = Math.min(reader.sizeBytes, listing.directoryStart);
  const within = mergeRanges(bad).filter(({ start }) => start < end);
  return gapsOf(toSpans(within), end);
}

/** @param ranges by start, none overlapping another */
function toSpans(ranges: readonly ByteRange[]): Spans {
  const spans: [number, number][] = [];
  for (const { start, length } of ranges) {
    const last = spans.at(-1);
    if (last?.[1] === start) last[1] += length;
    else if (length > 0) spans.push([start, start + length]);
  }
  return spans;
}

/** Another request costs about as much as so many bytes. */
const REQUEST_BYTES = 64 * 1024;

/** Whether it keeps something, and the rest costs less than the whole file. */
function isWorthIt({ origin: { totalBytes }, base, pieces }: Seed): boolean {
  if (base.spans.length === 0) return false;
  const gaps = gapsOf(heldSpans({ base, pieces }), totalBytes);
  return bytesOf(gaps) + gaps.length * REQUEST_BYTES < totalBytes + REQUEST_BYTES;
}

/** What a seed has of the file. */
export function heldSpans({ base, pieces }: Pick<Seed, 'base' | 'pieces'>): Spans {
  let spans = base.spans;
  for (const { at, bytes } of pieces) spans = addSpan(spans, [at, at + bytes.length]);
  return spans;
}
