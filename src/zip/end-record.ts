import { END_FIXED_BYTES, pickEnd, toEndCandidates, type EndFields } from './end-fields.ts';
import type { RandomReader } from './reader.ts';
import { damaged, unsafe } from './verdict.ts';
import { readZip64, type Zip64Record } from './zip64-record.ts';

/** Where an archive's directory lies, and what its end record says of it. */
export interface EndRecord {
  /** Counted from the first byte of the file. */
  readonly directoryStart: number;
  readonly directoryEnd: number;
  /** As told. May have wrapped where `countBits` is 16. */
  readonly count: number;
  readonly countBits: 16 | 64;
  /** Bytes in front of the archive; every offset in it counts from behind them. */
  readonly prefixBytes: number;
  /** Bytes behind the archive. */
  readonly trailingBytes: number;
}

const MAX_COMMENT_BYTES = 0xffff;

/**
 * Finds the end record, and through it the directory, which must end exactly where the end records
 * begin: only so no member is passed over.
 * @param file the archive's manifest name, for the errors
 * @throws CcxriError `damaged-archive`: no zip, or its end is missing; `unsafe-archive`: more than one
 *   reading is possible, or the records contradict each other
 */
export async function findEndRecord(reader: RandomReader, file: string): Promise<EndRecord> {
  const tail = Buffer.allocUnsafe(Math.min(reader.sizeBytes, END_FIXED_BYTES + MAX_COMMENT_BYTES));
  const tailStart = reader.sizeBytes - tail.length;
  await reader.read(tail, tailStart);
  const found = pickEnd(toEndCandidates(tail, tailStart), reader.sizeBytes);
  if (found === 'none') {
    throw damaged(file, 'it has no end record: it is no zip archive, or its end is missing');
  }
  if (found === 'ambiguous') {
    throw unsafe(file, 'it has two end records, and each would give it other members');
  }
  const zip64 = await readZip64(reader, found, file);
  return { ...locate(found, zip64, file), trailingBytes: reader.sizeBytes - found.end };
}

function locate(
  end: EndFields,
  zip64: Zip64Record | undefined,
  file: string,
): Omit<EndRecord, 'trailingBytes'> {
  const told = zip64 ?? end;
  if (told.disk !== 0 || told.directoryDisk !== 0 || told.countHere !== told.count) {
    throw unsafe(file, 'it is one part of an archive that is split over several files');
  }
  const directoryEnd = zip64?.at ?? end.at;
  const prefixBytes = directoryEnd - told.directoryBytes - told.directoryStart;
  if (prefixBytes < 0) {
    throw damaged(file, 'its directory is longer than the room in front of its end record', {
      expected: `${told.directoryBytes} bytes of directory from byte ${told.directoryStart}`,
      found: `an end record at byte ${directoryEnd}`,
    });
  }
  // A zip64 record is found by an offset from the file's first byte: with a prefix it would not be.
  if (zip64 !== undefined && prefixBytes > 0) {
    throw unsafe(file, 'its directory does not end where its end records begin');
  }
  return {
    directoryStart: told.directoryStart + prefixBytes,
    directoryEnd,
    count: told.count,
    countBits: zip64 === undefined ? 16 : 64,
    prefixBytes,
  };
}
