import { type Entry, fromBufferPromise } from 'yauzl';
import { throwIfAborted } from '../abort.ts';
import { isCcxriError } from '../errors.ts';
import { toPrintable } from '../text.ts';
import { decodeName } from './decode-name.ts';
import { FIELD, FLAG, type GateContext, type ZipEntry, findField } from './entry.ts';
import { STRONG_ENCRYPTION } from './packing.ts';
import { type ArchiveReport, damaged, toName, unsafe } from './report.ts';

/**
 * Far above the dataset's 2,000 images an archive, a little above what an end record of 16 bits counts
 * (some writers let it wrap). With both limits one directory takes some 100 MB while it is checked.
 */
const MAX_ENTRIES = 70_000;
const MAX_DIRECTORY_BYTES = 6 * 1024 ** 2;

/**
 * Reads the central directory in one go, and its entries by yauzl. The headers are counted first: the
 * count in the end record may be wrong, and a member that is not counted would be lost.
 * @throws CcxriError `unsafe-archive`: it doesn't add up, or is absurdly large; `damaged-archive`: it
 *   can't be read; of the disk; `aborted`
 */
export async function readEntries(gate: GateContext): Promise<readonly ZipEntry[]> {
  const { reader, end, file, report } = gate;
  const length = end.directoryEnd - end.directoryStart;
  if (length > MAX_DIRECTORY_BYTES)
    throw unsafe(file, { code: 'directory-size', text: `its directory has ${length} bytes` });
  const archive = Buffer.alloc(length + END_BYTES);
  const directory = archive.subarray(0, length);
  await reader.read(directory, end.directoryStart);
  const count = walk(directory, report);
  if (count === undefined) {
    throw unsafe(file, {
      code: 'directory-place',
      text: 'its directory does not end where its end record begins',
    });
  }
  assertCount(count, gate);
  // yauzl would stop at the first of these entries, or take the ones for its size.
  report.assertUsable();
  writeEndRecords(archive, count);
  return listEntries(archive, gate);
}

function assertCount(count: number, { end, file, report }: GateContext): void {
  if (count > MAX_ENTRIES)
    throw unsafe(file, { code: 'entry-count', text: `it has ${count} entries` });
  const hasWrapped = end.countBits === 16 && count > 0xffff && count % 0x10000 === end.count;
  if (hasWrapped) report.warn(`it has ${count} entries, more than its end record can count`);
  else if (count !== end.count) {
    throw unsafe(file, {
      code: 'wrong-entry-count',
      text: `its end record declares ${end.count} entries, and it has ${count}`,
    });
  }
}

const SIGNATURE = 0x02014b50;
const FIXED_BYTES = 46;

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
    const header = bytes.subarray(at, at + FIXED_BYTES);
    checkHeader(header, nameOf, report);
    if (!isWellFormed(bytes.subarray(nameEnd, extraEnd))) {
      // yauzl would refuse the archive. Zeros are an empty field.
      bytes.fill(0, nameEnd, extraEnd);
      report.warn('a member has extra fields that can not be read', nameOf());
    }
    const extra = bytes.subarray(nameEnd, extraEnd);
    if (needsZip64(header) && findField(extra, FIELD.zip64) === undefined) {
      report.damage('its zip64 field is missing', nameOf());
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
    report.cannotRead(STRONG_ENCRYPTION, nameOf());
  }
  const disk = header.readUInt16LE(34);
  if (disk !== 0 && disk !== 0xffff)
    report.reject('split-archive', 'is in another file of the archive', nameOf());
}

/** A size or the offset is filled with ones: it stands in a zip64 field (APPNOTE 4.5.3). */
function needsZip64(header: Buffer): boolean {
  return [20, 24, 42].some((at) => header.readUInt32LE(at) === 0xffffffff);
}

/** Fields of two bytes id and two bytes length; up to three bytes of padding may follow. */
function isWellFormed(extra: Buffer): boolean {
  let at = 0;
  while (at + 4 <= extra.length) at += 4 + extra.readUInt16LE(at + 2);
  return at <= extra.length;
}

/** A zip64 end record, its locator and an end record (APPNOTE 4.3.14 to 4.3.16). */
const END_BYTES = 56 + 20 + 22;

/**
 * yauzl reads whole archives only (its ZipFile constructor is not public), and its own search for the
 * end record accepts wrapped counts and records in comments. So it gets the directory alone, followed
 * by end records made here that say how many headers there are.
 */
function writeEndRecords(archive: Buffer, count: number): void {
  const directoryBytes = archive.length - END_BYTES;
  const end = archive.subarray(directoryBytes);
  end.writeUInt32LE(0x06064b50, 0);
  end.writeUInt32LE(count, 32);
  end.writeUInt32LE(0x07064b50, 56);
  end.writeUInt32LE(directoryBytes, 64);
  end.writeUInt32LE(0x06054b50, 76);
  // All ones: the zip64 record has the value.
  end.fill(0xff, 84, 96);
}

async function listEntries(archive: Buffer, gate: GateContext): Promise<readonly ZipEntry[]> {
  const entries: ZipEntry[] = [];
  try {
    const zip = await fromBufferPromise(archive, {
      // Names are decoded and checked here: yauzl would stop at the first bad one.
      decodeStrings: false,
      validateEntrySizes: false,
    });
    // An error without a listener would end the process.
    zip.on('error', () => undefined);
    for await (const entry of zip.eachEntry()) {
      if (entries.length % 1000 === 0) throwIfAborted(gate.signal);
      entries.push(toEntry(entry, gate));
    }
  } catch (error) {
    if (isCcxriError(error)) throw error;
    const why = error instanceof Error ? toPrintable(error.message) : 'unknown';
    throw damaged(gate.file, `its directory can not be read: ${why}`);
  }
  return entries;
}

function toEntry(entry: Entry, { report, end }: GateContext): ZipEntry {
  const flags = entry.generalPurposeBitFlag;
  const host = entry.versionMadeBy >>> 8;
  const { name, problem, warnings } = decodeName({
    bytes: entry.fileNameRaw,
    isUtf8: (flags & FLAG.utf8) !== 0,
    unicodePath: entry.extraFields.find(({ id }) => id === FIELD.unicodePath)?.data,
    host,
  });
  const rawName = entry.fileNameRaw.toString('latin1');
  for (const warning of warnings) report.warn(`a member ${warning}`, name);
  return {
    // One string instead of two equal ones.
    name: name === rawName ? rawName : name,
    rawName,
    nameProblem: problem,
    host,
    flags,
    method: entry.compressionMethod,
    crc32: entry.crc32,
    compressedSize: entry.compressedSize,
    size: entry.uncompressedSize,
    headerStart: entry.relativeOffsetOfLocalHeader + end.prefixBytes,
    mode: entry.externalFileAttributes >>> 16,
    attributes: entry.externalFileAttributes & 0xff,
    date: entry.lastModFileDate,
    time: entry.lastModFileTime,
  };
}
