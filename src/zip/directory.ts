import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import pLimit from 'p-limit';
import { throwIfAborted } from '../abort.ts';
import { type EndRecord, findEndRecord } from './end-record.ts';
import { readEntries } from './entries.ts';
import { METHOD, type ZipEntry, isFolder } from './entry.ts';
import { checkClashes, checkEntries } from './check-entries.ts';
import { type PlacedEntry, checkSpans, readLocalHeaders } from './local-headers.ts';
import { topFolderOf, withoutTopFolder } from './names.ts';
import type { RandomReader } from './reader.ts';
import { findRepeats } from './repeats.ts';
import { ArchiveReport, type Reason, damaged, toName } from './report.ts';

/** The published archives have a few thousand members. */
const MANY_ENTRIES = 10_000;
const LARGE_DIRECTORY_BYTES = 1024 ** 2;

/** One for the whole process, since it bounds the memory of the process. */
const oneAtATime = pLimit(1);

/**
 * Reads and checks an archive's directory, and works with it. Only one directory with very many
 * entries is in memory at a time: each takes up to 100 MB while it is checked.
 * @throws CcxriError as checkDirectory; what the work throws
 */
export async function withDirectory<T>(
  reader: RandomReader,
  options: ArchiveOptions,
  work: (directory: ZipDirectory) => Promise<T>,
): Promise<T> {
  return withEndRecord(reader, options, async (end) =>
    work(await checkDirectory(reader, end, options)),
  );
}

/** Finds an archive's directory, and works with it, at most one that is large at a time. */
export async function withEndRecord<T>(
  reader: RandomReader,
  { file, signal }: ArchiveOptions,
  work: (end: EndRecord) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const end = await findEndRecord(reader, file);
  // A count that is too small is refused later; where it has wrapped, the directory is large.
  const isLarge =
    end.count > MANY_ENTRIES || end.directoryEnd - end.directoryStart > LARGE_DIRECTORY_BYTES;
  return isLarge ? oneAtATime(() => work(end).finally(collectGarbage)) : work(end);
}

/** By itself V8 keeps what several directories have left before it looks: 100 MB more. */
function collectGarbage(): void {
  try {
    setFlagsFromString('--expose-gc');
    runInNewContext('gc()');
  } catch {
    // Not every runtime can be asked: then it looks later.
  }
}

/** A file in an archive that has passed the gate. Plain data, for threads. */
export interface Member {
  /** Below images/<archive>/, with `/`: safe to use. */
  readonly name: string;
  /** Of its compressed bytes, from the first byte of the file. */
  readonly dataStart: number;
  readonly compressedSize: number;
  /** Unpacked, in bytes. */
  readonly size: number;
  readonly crc32: number;
  /** Otherwise stored. */
  readonly isDeflated: boolean;
}

/** A file in an archive that is left out, since some system can't have its name. It is no image. */
interface SkippedMember {
  /** Printable, and perhaps cut: for people. */
  readonly name: string;
  /** Unpacked, in bytes. */
  readonly size: number;
  readonly crc32: number;
  /** What is wrong with the name, as a clause: `ends in a dot or space, …`. */
  readonly reason: string;
}

/** An archive's directory that has passed the gate. */
export interface ZipDirectory {
  /** The folder in the archive that contains all members; not part of their names. */
  readonly topFolder: string | null;
  /** By offset, so that the archive is read front to back. */
  readonly members: readonly Member[];
  /** Unpacked, in bytes. */
  readonly totalBytes: number;
  readonly skipped: readonly SkippedMember[];
  /** Harmless oddities, one a line, printable. */
  readonly warnings: readonly string[];
}

export interface ArchiveOptions {
  /** The archive's manifest name, for the errors. */
  readonly file: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads an archive's directory and checks the whole of it, before a byte of any member is unpacked:
 * names, types, clashes, offsets, counts, sizes, and the header in front of each member. Only what can
 * do harm or lose data is refused.
 * @throws CcxriError `unsafe-archive`, with the reasons; `damaged-archive`, also where it is packed in a
 *   way that ccxri does not read; of the disk; `aborted`
 */
async function checkDirectory(
  reader: RandomReader,
  end: EndRecord,
  { file, signal }: ArchiveOptions,
): Promise<ZipDirectory> {
  const report = new ArchiveReport(file);
  if (end.trailingBytes > 0) report.warn(`${end.trailingBytes} bytes behind the archive`);
  const gate = { reader, file, end, report, signal };
  const entries = await readEntries(gate);
  const { named, skipped } = checkEntries(entries, reader.sizeBytes, report);
  const areDistinct = checkClashes(named, report) && skipped.size === 0;
  const placed = await readLocalHeaders(entries, gate);
  // A second index of all names takes as much memory again.
  const { distinct, repeats } = areDistinct
    ? { distinct: placed, repeats: NONE }
    : await findRepeats(placed, gate);
  // If a member is missing, the gaps between the others mean nothing.
  if (placed.length === entries.length) await checkSpans(distinct, gate);
  report.assertUsable();
  const members = placed.filter(({ entry }) => !isFolder(entry) && !repeats.has(entry));
  return {
    ...toMembers(
      members.filter(({ entry }) => !skipped.has(entry)),
      file,
    ),
    skipped: members.flatMap(({ entry }) => toSkipped(entry, skipped.get(entry))),
    warnings: report.warnings,
  };
}

const NONE: ReadonlySet<ZipEntry> = new Set();

function toSkipped(
  { name, size, crc32 }: ZipEntry,
  reason: Reason | undefined,
): readonly SkippedMember[] {
  return reason === undefined ? [] : [{ name: toName(name), size, crc32, reason: reason.text }];
}

function toMembers(
  files: readonly PlacedEntry[],
  file: string,
): Pick<ZipDirectory, 'topFolder' | 'members' | 'totalBytes'> {
  if (files.length === 0) throw damaged(file, 'it holds no file');
  const topFolder = topFolderOf(files.map(({ entry }) => entry.name));
  return {
    topFolder,
    members: files.map(({ entry, dataStart }) => toMember(entry, dataStart, topFolder)),
    totalBytes: files.reduce((bytes, { entry }) => bytes + entry.size, 0),
  };
}

function toMember(entry: ZipEntry, dataStart: number, topFolder: string | null): Member {
  const { name, compressedSize, size, crc32, method } = entry;
  return {
    name: withoutTopFolder(name, topFolder),
    dataStart,
    compressedSize,
    size,
    crc32,
    isDeflated: method === METHOD.deflated,
  };
}
