import { type Entry, RandomAccessReader, fromRandomAccessReaderPromise } from 'yauzl';
import { throwIfAborted } from '../abort.ts';
import { isCcxriError } from '../errors.ts';
import { toPrintable } from '../text.ts';
import type { EndRecord } from './end-record.ts';
import { FLAG, HERE, type ZipEntry } from './entry.ts';
import { decodeName } from './names.ts';
import type { RandomReader } from './reader.ts';
import { type ArchiveReport, damaged, toName, unsafe } from './report.ts';

export interface ListOptions {
  /** The archive's manifest name. */
  readonly file: string;
  readonly report: ArchiveReport;
  /** Added to every offset: see EndRecord. */
  readonly prefixBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The entries of a directory, read by yauzl. It is given the directory alone, behind it an end record
 * that we made: its own way to the directory lets counts wrap and end records in comments pass.
 * @throws CcxriError `damaged-archive`: yauzl can't make sense of it; `aborted`
 */
export async function listEntries(
  directory: DirectoryBytes,
  options: ListOptions,
): Promise<readonly ZipEntry[]> {
  const view = new DirectoryView(directory);
  const entries: ZipEntry[] = [];
  try {
    const zip = await fromRandomAccessReaderPromise(view, view.sizeBytes, {
      autoClose: false,
      // Names are decoded and checked here: yauzl would stop at the first bad one.
      decodeStrings: false,
      validateEntrySizes: false,
    });
    // An error that comes when nobody listens would end the process.
    zip.on('error', () => undefined);
    for await (const entry of zip.eachEntry()) {
      if (entries.length % 1000 === 0) throwIfAborted(options.signal);
      entries.push(toEntry(entry, options));
    }
  } catch (error) {
    if (isCcxriError(error)) throw error;
    const why = error instanceof Error ? toPrintable(error.message) : 'unknown';
    throw damaged(options.file, `its directory can not be read: ${why}`);
  }
  return entries;
}

const UNICODE_PATH = 0x7075;

function toEntry(entry: Entry, { report, prefixBytes }: ListOptions): ZipEntry {
  const flags = entry.generalPurposeBitFlag;
  const decoded = decodeName({
    bytes: entry.fileNameRaw,
    isUtf8: (flags & FLAG.utf8) !== 0,
    unicodePath: entry.extraFields.find(({ id }) => id === UNICODE_PATH)?.data,
  });
  const { problem, warning } = decoded;
  const name = withoutHere(decoded.name);
  const rawName = entry.fileNameRaw.toString('latin1');
  if (problem !== undefined) report.reject(problem.code, problem.text, name);
  if (warning !== undefined) report.warn(`a member ${warning}`, name);
  return {
    // One string instead of two that are the same.
    name: name === rawName ? rawName : name,
    rawName,
    flags,
    method: entry.compressionMethod,
    crc32: entry.crc32,
    compressedSize: entry.compressedSize,
    size: entry.uncompressedSize,
    headerStart: entry.relativeOffsetOfLocalHeader + prefixBytes,
    mode: entry.externalFileAttributes >>> 16,
    attributes: entry.externalFileAttributes & 0xff,
    date: entry.lastModFileDate,
    time: entry.lastModFileTime,
  };
}

/** `bsdtar -cf archive.zip .` begins every path with "./". What remains is checked as any name. */
function withoutHere(name: string): string {
  return name.startsWith(HERE) && name !== HERE ? name.slice(HERE.length) : name;
}

/** The directory, and behind it a zip64 end record, its locator and an end record that say so. */
class DirectoryView extends RandomAccessReader {
  readonly #bytes: Buffer;
  readonly #end: Buffer;

  constructor({ bytes, count }: DirectoryBytes) {
    super();
    this.#bytes = bytes;
    this.#end = endRecords(bytes.length, count);
  }

  get sizeBytes(): number {
    return this.#bytes.length + this.#end.length;
  }

  /** At once, not in a later turn: that is what makes a listing of 70,000 entries fast. */
  override read(...args: Parameters<RandomAccessReader['read']>): void {
    const [into, offset, length, position, callback] = args;
    const end = position + length;
    if (end > this.sizeBytes) {
      callback(new Error('the directory ends within a header'));
      return;
    }
    const split = this.#bytes.length;
    const copied = position < split ? this.#bytes.copy(into, offset, position, end) : 0;
    if (end > split) {
      const from = position + copied - split;
      this.#end.copy(into, offset + copied, from, end - split);
    }
    callback(null);
  }
}

/** APPNOTE 4.3.14 to 4.3.16, as plain as can be. */
function endRecords(directoryBytes: number, count: number): Buffer {
  const bytes = Buffer.alloc(56 + 20 + 22);
  bytes.writeUInt32LE(0x06064b50, 0);
  bytes.writeBigUInt64LE(44n, 4);
  bytes.writeBigUInt64LE(BigInt(count), 24);
  bytes.writeBigUInt64LE(BigInt(count), 32);
  bytes.writeBigUInt64LE(BigInt(directoryBytes), 40);
  bytes.writeUInt32LE(0x07064b50, 56);
  bytes.writeBigUInt64LE(BigInt(directoryBytes), 64);
  bytes.writeUInt32LE(1, 72);
  bytes.writeUInt32LE(0x06054b50, 76);
  bytes.writeUInt16LE(0xffff, 84);
  bytes.writeUInt16LE(0xffff, 86);
  bytes.writeUInt32LE(0xffffffff, 88);
  bytes.writeUInt32LE(0xffffffff, 92);
  return bytes;
}

/**
 * Far above the dataset's 2,000 images an archive, a little above what an end record of 16 bits counts
 * (some writers let it wrap). With both of these one directory takes some 100 MB while it is checked.
 */
const MAX_ENTRIES = 70_000;
const MAX_DIRECTORY_BYTES = 6 * 1024 ** 2;

const SIGNATURE = 0x02014b50;
const FIXED_BYTES = 46;

/** The bytes of an archive's directory, walked through from end to end. */
export interface DirectoryBytes {
  readonly bytes: Buffer;
  /** The headers that are really there. */
  readonly count: number;
}

/**
 * Reads the directory in one go, and counts what is in it: the count in the end record may
 * be wrong, and a member that is not counted would be lost.
 * @throws CcxriError `unsafe-archive`: it doesn't add up, or is absurdly large
 */
export async function readDirectoryBytes(
  reader: RandomReader,
  end: EndRecord,
  { file, report }: { readonly file: string; readonly report: ArchiveReport },
): Promise<DirectoryBytes> {
  const length = end.directoryEnd - end.directoryStart;
  if (length > MAX_DIRECTORY_BYTES)
    throw unsafe(file, { code: 'directory-size', text: `its directory has ${length} bytes` });
  const bytes = Buffer.allocUnsafe(length);
  await reader.read(bytes, end.directoryStart);
  const count = walk(bytes, report);
  if (count === undefined) {
    throw unsafe(file, {
      code: 'directory-place',
      text: 'its directory does not end where its end record begins',
    });
  }
  if (count > MAX_ENTRIES)
    throw unsafe(file, { code: 'entry-count', text: `it has ${count} entries` });
  const hasWrapped = end.countBits === 16 && count > 0xffff && count % 0x10000 === end.count;
  if (hasWrapped) report.warn(`it has ${count} entries, more than its end record can count`);
  else if (count !== end.count) {
    throw unsafe(file, {
      code: 'wrong-entry-count',
      text: `it says that it has ${end.count} entries, and has ${count}`,
    });
  }
  return { bytes, count };
}

/** @returns the number of headers; undefined: they do not fill the directory exactly */
function walk(bytes: Buffer, report: ArchiveReport): number | undefined {
  let count = 0;
  let at = 0;
  while (at < bytes.length) {
    if (at + FIXED_BYTES > bytes.length || bytes.readUInt32LE(at) !== SIGNATURE) return undefined;
    const nameEnd = at + FIXED_BYTES + bytes.readUInt16LE(at + 28);
    const extraEnd = nameEnd + bytes.readUInt16LE(at + 30);
    const next = extraEnd + bytes.readUInt16LE(at + 32);
    if (next > bytes.length) return undefined;
    const nameOf = () => toName(bytes.toString('utf8', at + FIXED_BYTES, nameEnd));
    checkHeader(bytes.subarray(at, at + FIXED_BYTES), nameOf, report);
    if (!isWellFormed(bytes.subarray(nameEnd, extraEnd))) {
      // yauzl would refuse the archive. Blanked out, the field is one that says nothing.
      bytes.fill(0, nameEnd, extraEnd);
      report.warn('a member has extra fields that can not be read', nameOf());
    }
    count += 1;
    at = next;
  }
  return count;
}

/** What yauzl does not report, or fails on. */
function checkHeader(header: Buffer, nameOf: () => string, report: ArchiveReport): void {
  const flags = header.readUInt16LE(8);
  if ((flags & FLAG.stronglyEncrypted) !== 0) {
    report.reject('encrypted', 'is encrypted, which ccxri does not read', nameOf());
  }
  const disk = header.readUInt16LE(34);
  if (disk !== 0 && disk !== 0xffff)
    report.reject('split-archive', 'lies in another file of the archive', nameOf());
}

/** Fields of two bytes id and two bytes length; up to three bytes of padding may follow. */
function isWellFormed(extra: Buffer): boolean {
  let at = 0;
  while (at + 4 <= extra.length) at += 4 + extra.readUInt16LE(at + 2);
  return at <= extra.length;
}
