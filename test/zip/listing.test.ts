import { describe, expect, it } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import { placeMember, rangeOf, readListing } from '../../src/zip/listing.ts';
import { type ReadNote, bufferReader } from '../support/buffer-reader.ts';
import { LISTED_FILE, assertListedAlike, listAndPlace } from '../support/listing.ts';
import { codesOf } from '../support/unpack.ts';
import {
  type ZipMember,
  type ZipShape,
  buildZip,
  extraField,
  u32,
} from '../support/zip-builder.ts';

// Every archive of the other tests of src/zip, good and bad, goes through `assertListedAlike` as well.

const A: ZipMember = { name: 'a.jpg', content: 'image a '.repeat(20) };
const B: ZipMember = { name: 'b.jpg', content: 'image b '.repeat(20) };
const C: ZipMember = { name: 'c.jpg', content: 'image c '.repeat(20) };

async function refusalOf(members: readonly ZipMember[], shape?: ZipShape): Promise<CcxriError> {
  const error: unknown = await listAndPlace(buildZip(members, shape)).catch((e: unknown) => e);
  if (!(error instanceof CcxriError)) throw new Error('it was taken');
  expect(error.code).toBe('unsafe-archive');
  return error;
}

describe('the listing', () => {
  it('reads the end of the archive alone', async () => {
    const zip = buildZip(
      Array.from({ length: 50 }, (_, n) => ({
        name: `ChestDx-1/patient${n}_000.jpg`,
        content: 'x'.repeat(8000),
        method: 0,
      })),
    );
    const reads: ReadNote[] = [];
    const listing = await readListing(bufferReader(zip, reads), { file: LISTED_FILE });
    expect(listing.members).toHaveLength(50);
    expect(listing.topFolder).toBe('ChestDx-1');
    expect(listing.members[7]).toMatchObject({ path: 'patient7_000.jpg', size: 8000 });
    const ofDirectory = reads.filter(({ position }) => position < listing.directoryStart);
    // Of the members, no more than the last bytes that an end record may lie in.
    expect(ofDirectory.every(({ position }) => position >= zip.length - 65_557)).toBe(true);
  });

  it.each<[string, readonly ZipMember[], string]>([
    ['one inside of another', [A, { ...B, central: { headerStart: 5 } }], 'a.jpg: overlap'],
    ['one at the place of another', [A, { ...B, central: { headerStart: 0 } }], 'overlap'],
    ['one behind the directory', [A, { ...B, central: { headerStart: 400 } }], 'outside-archive'],
    ['one that reaches into the directory', [A, { ...B, compressedSize: 90 }], 'outside-archive'],
    ['the same name with other bytes', [A, { ...B, name: 'a.jpg' }], 'duplicate-name'],
    ['a way out', [A, { ...B, name: '../b.jpg' }], 'path-traversal'],
    ['a link', [A, { ...B, mode: 0o120777 }], 'link'],
    ['two names that are one elsewhere', [A, { ...B, name: 'A.jpg' }], 'clashing-names'],
    ['a size that deflate can not reach', [A, { ...B, size: 900_000_000 }], 'impossible-ratio'],
  ])('#215 refuses %s', async (_, members, code) => {
    expect(codesOf(await refusalOf(members)).join()).toContain(code);
  });

  it('refuses a count that does not add up, and a directory that is absurdly large', async () => {
    const counted = await refusalOf([A, B], { end: { count: 1 } });
    expect(counted.facts.reasonCodes).toEqual(['wrong-entry-count']);
    const large = { ...A, comment: Buffer.alloc(60_000) };
    const many = Array.from({ length: 110 }, (_, n) => ({ ...large, name: `${n}.jpg` }));
    expect((await refusalOf(many)).facts.reasonCodes).toEqual(['directory-size']);
  });

  it('takes a member that is listed twice, once', async () => {
    for (const again of [A, { ...A, only: 'directory' as const, central: { headerStart: 0 } }]) {
      const zip = buildZip([A, B, again]);
      const { members } = await listAndPlace(zip);
      expect(members.map(({ name }) => name)).toEqual(['a.jpg', 'b.jpg']);
      await assertListedAlike(zip);
    }
  });

  it('leaves out what some system can not have, where it is no image', async () => {
    const { listing } = await listAndPlace(buildZip([A, { name: 'aux.txt', content: 'x' }]));
    expect(listing.members.map(({ path }) => path)).toEqual(['a.jpg']);
    expect(listing.warnings.join()).toContain('aux.txt');
  });
});

describe('the range of a member', () => {
  it('ends where the next one begins, its data descriptor and padding included', async () => {
    const zip = buildZip([
      { ...A, descriptor: 'signed' },
      { ...B, gapBefore: Buffer.alloc(7) },
    ]);
    const { members } = await readListing(bufferReader(zip), { file: LISTED_FILE });
    const [a, b] = members.map((member) => rangeOf(member));
    expect(a?.start).toBe(0);
    expect(b?.start).toBe(a?.length);
  });

  it('does not take all of a gap', async () => {
    const zip = buildZip([A, { ...B, gapBefore: Buffer.alloc(100_000) }]);
    const { members } = await readListing(bufferReader(zip), { file: LISTED_FILE });
    expect(members[0] && rangeOf(members[0]).length).toBeLessThan(5000);
  });
});

describe("a member's own header", () => {
  it.each<[string, ZipMember, string]>([
    ['another name', { ...B, local: { name: 'x.jpg' } }, 'header-mismatch'],
    ['another method', { ...B, local: { method: 0 } }, 'header-mismatch'],
    ['another size', { ...B, local: { size: 3 } }, 'header-mismatch'],
    ['another CRC-32', { ...B, local: { crc32: 3 } }, 'header-mismatch'],
    ['encryption', { ...B, local: { flags: 1 } }, 'header-mismatch'],
    [
      'no signature',
      { ...B, gapBefore: Buffer.alloc(9), central: { headerStart: 2 } },
      'header-missing',
    ],
  ])('with %s is refused', async (_, member, code) => {
    expect((await refusalOf([member, C])).facts.reasonCodes).toEqual([code]);
  });

  it.each([3000, 60_000])('may have fields that the directory lacks: %i bytes', async (bytes) => {
    const local = { extra: extraField(0xfade, [Buffer.alloc(bytes)]) };
    await assertListedAlike(buildZip([{ ...A, local }, B]));
  });

  it('never leads beyond its range', async () => {
    const zip = buildZip([A, B]);
    const { members } = await readListing(bufferReader(zip), { file: LISTED_FILE });
    const [a] = members;
    if (a === undefined) throw new Error('no member');
    const range = rangeOf(a);
    const lying = Buffer.from(zip.subarray(0, range.length));
    const place = () => placeMember(a, { ...range, bytes: lying, at: 0 }, LISTED_FILE);
    lying.writeUInt16LE(50, 28);
    expect(place).toThrow('overlaps another member');
    u32(0).copy(lying);
    expect(place).toThrow('not at the offset');
  });
});
