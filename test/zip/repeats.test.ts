import { expect, it } from 'vitest';
import type { PlacedEntry } from '../../src/zip/local-headers.ts';
import { findRepeats } from '../../src/zip/repeats.ts';
import { ArchiveReport } from '../../src/zip/report.ts';
import { type ReadNote, bufferReader } from '../support/buffer-reader.ts';

const PIECE_BYTES = 256 * 1024;
/** What is read of two members where all of their bytes are compared. */
const BOTH_WHOLE = 6;
const MEMBER_BYTES = 3 * PIECE_BYTES;
const HEADER_BYTES = 35;
const NEXT = HEADER_BYTES + MEMBER_BYTES;

/** A stored member of three pieces. */
function memberAt(headerStart: number): PlacedEntry {
  const dataStart = headerStart + HEADER_BYTES;
  const sizes = { compressedSize: MEMBER_BYTES, size: MEMBER_BYTES };
  const how = { host: 0, flags: 0, method: 0, crc32: 0, mode: 0, attributes: 0, date: 0, time: 0 };
  const name = { name: 'a.jpg', rawName: 'a.jpg', nameProblem: undefined };
  const entry = { ...name, ...how, ...sizes, headerStart };
  return { entry, dataStart, dataEnd: dataStart + MEMBER_BYTES, hasDescriptor: false };
}

it.each<[string, readonly number[], number, number]>([
  ['one behind the other are compared to their end', [0, NEXT], 1, BOTH_WHOLE],
  ['with the same header are not read', [0, 0, 0], 2, 0],
  ['that overlap are not read, however many', [0, 50, 100, 150, 200], 0, 0],
  ['behind those that overlap are compared', [0, 50, 50 + NEXT], 1, BOTH_WHOLE],
])('members of the same bytes %s', async (_, offsets, repeated, read) => {
  const reads: ReadNote[] = [];
  const reader = bufferReader(Buffer.alloc(3 * NEXT), reads);
  const context = { reader, report: new ArchiveReport('x.zip'), signal: undefined };
  const { repeats } = await findRepeats(offsets.map(memberAt), context);
  expect(repeats.size).toBe(repeated);
  expect(reads).toHaveLength(read);
});

it('the comparison ends at the first piece that differs', async () => {
  const bytes = Buffer.alloc(2 * NEXT);
  bytes[NEXT + HEADER_BYTES] = 1;
  const reads: ReadNote[] = [];
  const report = new ArchiveReport('x.zip');
  const context = { reader: bufferReader(bytes, reads), report, signal: undefined };
  const { repeats } = await findRepeats([memberAt(0), memberAt(NEXT)], context);
  expect(repeats.size).toBe(0);
  expect(reads.map(({ length }) => length)).toEqual([PIECE_BYTES, PIECE_BYTES]);
});
