import { closeSync, openSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CcxriError, isCcxriError, toErrorRecord } from '../../src/errors.ts';
import type { Member } from '../../src/zip/directory.ts';
import { MAX_STREAM_BYTES } from '../../src/zip/inflate-kernel/inflater.ts';
import { MemberUnpacker, fitsInMemory, unpackLarge } from '../../src/zip/inflate.ts';
import { contentsInPieces, scratchArchive } from '../support/archive-file.ts';
import { bufferReader } from '../support/buffer-reader.ts';
import { md5Of, randomBytes } from '../support/random-bytes.ts';
import { readDirectory } from '../support/read-directory.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { type ZipMember, buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const file = 'x.zip';

const withKernel = new MemberUnpacker();
const withZlib = new MemberUnpacker(null);
const UNPACKERS = [
  ['by the kernel', withKernel],
  ['by zlib', withZlib],
] as const;

type Contents = ReadonlyMap<string, Buffer>;

async function membersOf(bytes: Buffer): Promise<readonly Member[]> {
  return (await readDirectory(bufferReader(bytes), { file })).members;
}

function unpackWith(
  unpacker: MemberUnpacker,
  archive: Parameters<MemberUnpacker['contents']>[0],
  members: readonly Member[],
): Contents {
  const contents = new Map<string, Buffer>();
  for (const { member, checked } of unpacker.contents(archive, members)) {
    expect(contents.has(member.name)).toBe(false);
    contents.set(member.name, Buffer.from(checked()));
  }
  return contents;
}

const sorted = (contents: Contents) =>
  [...contents].map(([name, content]) => `${name}: ${md5Of(content)}`).sort();

describe.each(UNPACKERS)('members in one piece, %s', (_, unpacker) => {
  it('are what they are in pieces: packed, stored, empty, small and large', async () => {
    const members: readonly ZipMember[] = [
      { name: 'empty', content: '' },
      { name: 'empty, stored', content: '', method: 0 },
      { name: 'stored', content: randomBytes(300_000, 's'), method: 0 },
      { name: 'text', content: 'to be or not to be '.repeat(9000) },
      { name: 'largest', content: randomBytes(MAX_STREAM_BYTES - 2000, 'l') },
      { name: 'largest, stored', content: randomBytes(MAX_STREAM_BYTES, 'm'), method: 0 },
      ...Array.from({ length: 30 }, (__, i) => ({
        name: `${i}`,
        content: randomBytes(i * 7919, `${i}`),
      })),
    ];
    const bytes = buildZip(members);
    const listed = await membersOf(bytes);
    expect(listed.every(fitsInMemory)).toBe(true);
    const archive = scratchArchive(await tempDir()).fill(bytes);
    const found = unpackWith(unpacker, archive, listed);
    expect(sorted(found)).toEqual(sorted(await contentsInPieces(archive, { members: listed })));
    expect(found.size).toBe(members.length);
  });

  const content = randomBytes(50_000, 'content');
  const packed = deflateRawSync(content);
  it.each<[string, Partial<ZipMember>]>([
    ['a wrong CRC-32', { crc32: 5 }],
    ['a wrong CRC-32, stored', { crc32: 5, method: 0 }],
    ['a size that is too small', { size: content.length - 1 }],
    ['a size that is far too small', { size: 60 }],
    ['a size of nothing', { size: 0 }],
    ['a size that is too large', { size: content.length + 1 }],
    ['a stream that is cut', { packed: packed.subarray(0, 30_000) }],
    ['nothing of a stream', { packed: Buffer.alloc(0), size: 0 }],
    [
      'a stream that is broken',
      { packed: Buffer.concat([packed.subarray(0, 20_000), Buffer.alloc(30_000, 0xff)]) },
    ],
    ['a byte behind the stream', { packed: Buffer.concat([packed, Buffer.alloc(1)]) }],
    ['bytes behind an empty stream', { packed: Buffer.from([3, 0, 9, 9]), size: 0, crc32: 0 }],
  ])('with %s are refused in the same words', async (__, lie) => {
    const good = { name: 'good.jpg', content };
    const bytes = buildZip([
      good,
      { name: 'bad.jpg', content, ...lie },
      { ...good, name: 'c.jpg' },
    ]);
    const archive = scratchArchive(await tempDir()).fill(bytes);
    const members = await membersOf(bytes);
    const expected: unknown = await contentsInPieces(archive, { members }).catch(
      (error: unknown) => error,
    );
    if (!(expected instanceof CcxriError)) throw new Error('it is taken in pieces');
    let found: unknown;
    try {
      unpackWith(unpacker, archive, members);
    } catch (error) {
      found = error;
    }
    if (!(found instanceof CcxriError)) throw new Error('it is taken in one piece');
    expect(toErrorRecord(found)).toEqual(toErrorRecord(expected));
    // And goes on with others as if nothing had been.
    const others = members.filter(({ name }) => name !== 'bad.jpg');
    expect(unpackWith(unpacker, archive, others).get('c.jpg')?.equals(content)).toBe(true);
  });

  it('of a file that was cut meanwhile are an error', async () => {
    const bytes = buildZip([{ name: 'a', content }]);
    const members = await membersOf(bytes);
    const archive = scratchArchive(await tempDir()).fill(bytes.subarray(0, 9000));
    expect(() => unpackWith(unpacker, archive, members)).toThrow('ends before byte');
  });

  it('that can’t be read are an error of the disk', async () => {
    const bytes = buildZip([{ name: 'a', content }]);
    const archive = { ...scratchArchive(await tempDir()).fill(bytes), fd: openSync('/', 'r') };
    onTestFinished(() => closeSync(archive.fd));
    const members = await membersOf(bytes);
    expect(() => unpackWith(unpacker, archive, members)).toThrow(
      expect.objectContaining({ code: 'EISDIR' }),
    );
  });

  it('with a changed byte anywhere are refused, or the same', async () => {
    const bytes = buildZip([
      { name: 'T/patient1_000.jpg', content: 'image one '.repeat(9) },
      { name: 'T/patient2_000.jpg', content: randomBytes(60, 'two') },
      { name: 'T/patient3_000.jpg', content: 'image three', method: 0 },
      { name: 'T/empty' },
    ]);
    const scratch = scratchArchive(await tempDir());
    const members = await membersOf(bytes);
    const right = sorted(await contentsInPieces(scratch.fill(bytes), { members }));
    let refused = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ mask;
        try {
          const listed = await membersOf(changed);
          expect(sorted(unpackWith(unpacker, scratch.fill(changed), listed))).toEqual(right);
        } catch (error) {
          if (!isCcxriError(error, 'unsafe-archive', 'damaged-archive')) throw error;
          refused += 1;
        }
      }
    }
    expect(refused).toBeGreaterThan(bytes.length * 3 * 0.6);
  });
});

it('what is larger than a stream of the kernel is not for one piece', () => {
  const member = { name: 'x', dataStart: 0, crc32: 0, isDeflated: true };
  const [most, more] = [MAX_STREAM_BYTES, MAX_STREAM_BYTES + 1];
  expect(fitsInMemory({ ...member, size: most, compressedSize: most })).toBe(true);
  expect(fitsInMemory({ ...member, size: more, compressedSize: 1000 })).toBe(false);
  expect(fitsInMemory({ ...member, size: 1000, compressedSize: more })).toBe(false);
});

describe('a large member', () => {
  const content = randomBytes(MAX_STREAM_BYTES + 1, 'large');

  it.each([0, 8])('comes in pieces of no more than 256 KiB, method %i', async (method) => {
    const bytes = buildZip([{ name: 'x', content, method }]);
    const archive = scratchArchive(await tempDir()).fill(bytes);
    const [member] = await membersOf(bytes);
    if (member === undefined) throw new Error('no member');
    const pieces: Uint8Array[] = [];
    for await (const piece of unpackLarge(archive, member)) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(256 * 1024);
  });

  it.each([0, 8])('of a file that was cut meanwhile is an error, method %i', async (method) => {
    const bytes = buildZip([{ name: 'x', content, method }]);
    const archive = scratchArchive(await tempDir()).fill(bytes.subarray(0, 1_000_000));
    const members = await membersOf(bytes);
    await expect(contentsInPieces(archive, { members })).rejects.toThrow('ends before byte');
  });
});
