import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bufferReader } from '../support/buffer-reader.ts';
import { readDirectory } from '../support/read-directory.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { codesOf, expectRefused, expectUnpacked } from '../support/unpack.ts';
import { type ZipMember, type ZipShape, buildZip, endRecord, u32 } from '../support/zip-builder.ts';
import { nextSaying } from '../support/matchers.ts';

const tempDir = useTempDirs();

const A: ZipMember = { name: 'a.jpg', content: 'image a '.repeat(20) };
const B: ZipMember = { name: 'b.jpg', content: 'image b '.repeat(20), method: 0 };
const C: ZipMember = { name: 'c.jpg', content: 'image c '.repeat(20) };
const CONTENTS: Readonly<Record<string, unknown>> = Object.fromEntries(
  [A, B, C].map(({ name, content }) => [String(name), content]),
);

async function unsafeReasons(bytes: Buffer): Promise<readonly string[]> {
  const error = await expectRefused(await tempDir(), bytes, 'unsafe-archive');
  return codesOf(error);
}

async function damage(bytes: Buffer): Promise<string> {
  return (await expectRefused(await tempDir(), bytes, 'damaged-archive')).message;
}

async function expectAll(bytes: Buffer): Promise<readonly string[]> {
  const { files, oddities } = await expectUnpacked(await tempDir(), bytes);
  expect(files).toEqual(CONTENTS);
  return oddities;
}

describe('#113 a wrong CRC-32', () => {
  it.each([0, 8])('is found where the size is right, method %i', async (method) => {
    const bytes = buildZip([A, { ...B, method, crc32: 0x12345678 }, C]);
    const error = await expectRefused(await tempDir(), bytes, 'damaged-archive');
    expect(error.message).toContain('b.jpg has the wrong content');
    expect(error.facts).toMatchObject({
      memberFault: 'has the wrong content',
      expected: 'CRC-32 12345678',
    });
    // Its MD5 has passed before: it is no use to fetch it again.
    expect(error.next).toEqual(nextSaying('published like this'));
  });
});

describe('#114 a declared size that is not the real one', () => {
  it('smaller: refused, as more bytes than declared', async () => {
    const content = 'x'.repeat(1000);
    expect(await unsafeReasons(buildZip([A, { name: 'b.jpg', content, size: 999 }]))).toEqual([
      'b.jpg: expands-beyond-size',
    ]);
    expect(await unsafeReasons(buildZip([A, { name: 'b.jpg', content, size: 0 }]))).toEqual([
      'b.jpg: expands-beyond-size',
    ]);
  });

  it('larger: damaged', async () => {
    expect(await damage(buildZip([A, { name: 'b.jpg', content: 'xyz', size: 4 }]))).toContain(
      'b.jpg expands to fewer bytes than its declared size',
    );
  });

  it('of a stored member: contradicts itself', async () => {
    expect(await unsafeReasons(buildZip([{ ...B, size: 3 }]))).toEqual(['b.jpg: stored-sizes']);
  });
});

describe('#115 bytes behind the end of the deflate stream', () => {
  it.each([
    ['junk', Buffer.from('junk')],
    ['one byte', Buffer.from([0])],
    ['a second stream', deflateRawSync(Buffer.from('smuggled'))],
  ])('%s is refused', async (_, more) => {
    const packed = Buffer.concat([deflateRawSync(Buffer.from('image')), more]);
    expect(await unsafeReasons(buildZip([A, { name: 'b.jpg', content: 'image', packed }]))).toEqual(
      ['b.jpg: trailing-data'],
    );
  });
});

describe('#116 a deflate stream', () => {
  const content = Buffer.from('image '.repeat(100));
  const packed = deflateRawSync(content);

  it.each([1, 2, packed.length - 1])(
    'that lacks its last bytes (%i left) is damaged',
    async (left) => {
      const cut = { name: 'b.jpg', content, packed: packed.subarray(0, left) };
      expect(await damage(buildZip([A, cut]))).toContain("b.jpg can't be unpacked");
    },
  );

  it('that is none is damaged', async () => {
    const broken = { name: 'b.jpg', content, packed: Buffer.alloc(20, 0xff) };
    expect(await damage(buildZip([A, broken]))).toContain("b.jpg can't be unpacked");
  });
});

describe('#117 a header that contradicts the directory', () => {
  it.each<[string, ZipMember['local']]>([
    ['name', { name: 'x.jpg' }],
    ['name', { name: 'a.jpgx' }],
    ['encryption flag', { flags: 1 }],
    ['compression method', { method: 0 }],
    ['CRC-32', { crc32: 1 }],
    ['compressed size', { compressedSize: 1 }],
    ['size', { size: 1 }],
  ])('in its %s is refused', async (what, local) => {
    const bytes = buildZip([B, { ...A, local: { ...local } }]);
    const error = await expectRefused(await tempDir(), bytes, 'unsafe-archive');
    expect(codesOf(error)).toEqual(['a.jpg: header-mismatch']);
    // One code for seven fields: only the text distinguishes them.
    expect(error.message).toContain(`another ${what} than`);
  });

  it.each<[string, NonNullable<ZipMember['central']>, string]>([
    ['shifted', { headerStart: 1 }, 'b.jpg: header-missing'],
    ['behind the directory', { headerStart: 1e9 }, 'b.jpg: outside-archive'],
    ['in the directory', { headerStart: 400 }, 'b.jpg: outside-archive'],
  ])('in its place (%s) is refused', async (_, central, reason) => {
    expect(await unsafeReasons(buildZip([A, { ...B, central }]))).toContain(reason);
  });

  it('in its extra fields, dates or needed version does no harm', async () => {
    const extra = Buffer.from('5554050001000000ff', 'hex');
    expect(await expectAll(buildZip([{ ...A, local: { extra } }, B, C]))).toEqual([]);
  });
});

describe('#118 a count that does not add up', () => {
  it.each([1, 2, 4, 100, 0xffff])('3 members, declared as %i, are refused', async (count) => {
    expect(await unsafeReasons(buildZip([A, B, C], { end: { count } }))).toEqual([
      'wrong-entry-count',
    ]);
  });

  it('counts of this part and of all that differ are refused', async () => {
    expect(await unsafeReasons(buildZip([A, B, C], { end: { countHere: 2 } }))).toEqual([
      'split-archive',
    ]);
  });

  it.each<[string, (honest: { start: number; bytes: number }) => ZipShape['end']]>([
    ['a shorter directory', ({ bytes }) => ({ directoryBytes: bytes - 51 })],
    [
      'a directory without its first entry',
      ({ start, bytes }) => ({
        directoryStart: start + 51,
        directoryBytes: bytes - 51,
        count: 2,
      }),
    ],
    [
      'a directory without its last entry',
      ({ bytes }) => ({ directoryBytes: bytes - 51, count: 2 }),
    ],
    ['a directory one byte off', ({ start }) => ({ directoryStart: start - 1 })],
    ['a shorter one, one byte off', ({ bytes }) => ({ directoryBytes: bytes - 1 })],
  ])('%s is refused: never extracted short', async (_, lie) => {
    const bytes = 3 * (46 + 5);
    const start = buildZip([A, B, C]).length - bytes - 22;
    await expectRefused(
      await tempDir(),
      buildZip([A, B, C], { end: { ...lie({ start, bytes }) } }),
      'unsafe-archive',
    );
  });

  it('a directory that is longer than the file is damage', async () => {
    expect(await damage(buildZip([A], { end: { directoryBytes: 1e6 } }))).toContain(
      'its central directory does not fit before its end record',
    );
  });

  it('a member that the directory leaves out is refused: it would be lost', async () => {
    for (const members of [
      [{ ...A, only: 'bytes' }, B, C],
      [A, { ...B, only: 'bytes' }, C],
      [A, B, { ...C, only: 'bytes' }],
    ] as const) {
      expect(await unsafeReasons(buildZip(members))).toEqual(['unlisted-member']);
    }
  });

  it('65,537 members, whose count has wrapped to 1, are all unpacked, with a note', async () => {
    const members = Array.from({ length: 65_537 }, (_, i) => ({ name: `${i}`, method: 0 }));
    const bytes = buildZip(members, { end: { count: 1 } });
    const directory = await readDirectory(bufferReader(bytes), { file: 'x.zip' });
    expect(directory.members).toHaveLength(65_537);
    expect(directory.warnings).toEqual([
      'it has 65537 entries, more than its end record can count',
    ]);
  });
});

describe('#119 an absurd count is refused at once', () => {
  it.each([9_200_000_000_000_000_000n, 0xffff_ffff_ffff_ffffn, 4n])('%i', async (count) => {
    expect(await unsafeReasons(buildZip([A, B, C], { zip64: { count } }))).toEqual([
      'wrong-entry-count',
    ]);
  });

  it('a directory of gigabytes is not read', async () => {
    const lie = { directoryBytes: 2n ** 40n, directoryStart: 0n };
    await expectRefused(await tempDir(), buildZip([A], { zip64: lie }), 'damaged-archive');
  });
});

describe('#120 an end record in the comment', () => {
  it('that could be the right one is refused', async () => {
    const fake = endRecord({ count: 0, directoryBytes: 0, directoryStart: 0 });
    expect(await unsafeReasons(buildZip([A, B, C], { comment: fake }))).toEqual([
      'ambiguous-end-record',
    ]);
  });

  it('of another archive in it is refused: unzip would read that one', async () => {
    const other = buildZip([{ name: 'other.jpg', content: 'another archive' }]);
    // Its own comment is said to be shorter, or longer, than what follows.
    for (const comment of [
      Buffer.concat([other, Buffer.alloc(7)]),
      buildZip([{ name: 'other.jpg' }], { end: { commentLength: 9 } }),
    ]) {
      expect(await unsafeReasons(buildZip([A, B, C], { comment }))).toEqual([
        'ambiguous-end-record',
      ]);
    }
  });

  it('that can not be one does no harm', async () => {
    const comment = Buffer.from('PK\x05\x06 is how an end record begins, as everybody knows');
    expect(await expectAll(buildZip([A, B, C], { comment }))).toEqual([]);
  });

  it('behind the archive is refused as well', async () => {
    const fake = endRecord({ count: 0, directoryBytes: 0, directoryStart: 0 });
    expect(await unsafeReasons(buildZip([A, B, C], { trailing: fake }))).toEqual([
      'unlisted-member',
    ]);
  });
});

describe('#121 an archive without a file is damaged', () => {
  it.each<[string, Buffer]>([
    ['empty', buildZip([])],
    ['empty with a megabyte in front', buildZip([], { prefix: Buffer.alloc(1 << 20) })],
    ['with folders only', buildZip([{ name: 'ChestDx-1/' }, { name: 'ChestDx-1/sub/' }])],
  ])('%s', async (_, bytes) => {
    expect(await damage(bytes)).toContain('it holds no file');
  });
});

describe('#122 bytes that belong to nobody', () => {
  const junk = Buffer.from('just some padding');

  it.each<[string, Buffer, RegExp]>([
    ['behind it', buildZip([A, B, C], { trailing: junk }), /: 17 bytes behind the archive;/],
    ['in front of it', buildZip([A, B, C], { prefix: junk }), /bytes in front of its first member/],
    [
      'in front of it, counted',
      buildZip([A, B, C], { prefix: junk, offsetsCountPrefix: true }),
      /bytes in front of its first member/,
    ],
    [
      'between members',
      buildZip([A, { ...B, gapBefore: junk }, C]),
      /that belong to no member: a\.jpg/,
    ],
    [
      'before the directory',
      buildZip([A, B, C], { gapBeforeDirectory: junk }),
      /no member: c\.jpg/,
    ],
  ])('%s are passed over with a warning', async (_, bytes, warning) => {
    expect(await expectAll(bytes)).toEqual([expect.stringMatching(warning)]);
  });

  it('behind the directory are refused: its end must be certain', async () => {
    expect(await unsafeReasons(buildZip([A, B, C], { gapAfterDirectory: junk }))).toEqual([
      'directory-place',
    ]);
  });

  it('two archives, one behind the other, are refused: the first would be lost', async () => {
    expect(await unsafeReasons(Buffer.concat([buildZip([A]), buildZip([B, C])]))).toEqual([
      'unlisted-member',
    ]);
  });
});

describe('#123 members that overlap', () => {
  it('fifty names for the same bytes are refused', async () => {
    const kernel = { ...A, content: Buffer.alloc(1 << 20) };
    const others = Array.from({ length: 49 }, (_, i) => ({
      ...kernel,
      name: `a${i + 10}jpg`,
      only: 'directory' as const,
      central: { name: `a${i + 10}jpg`, headerStart: 0 },
    }));
    const reasons = await unsafeReasons(buildZip([{ ...kernel, name: 'a00jpg' }, ...others]));
    expect(reasons[0]).toBe('a10jpg: header-mismatch');
    expect(reasons).toContain('and 78 more');
  });

  it('a member whose bytes are the header of the next (quoted overlap) is refused', async () => {
    // The first one's deflate stream is a stored block that quotes the second one's header.
    const second = buildZip([C]);
    const quoted = second.subarray(0, 30 + 5);
    const packed = Buffer.from([0, quoted.length, 0, 0xff - quoted.length, 0xff]);
    const first: ZipMember = {
      ...A,
      content: Buffer.concat([quoted, Buffer.from(String(C.content))]),
      packed,
      compressedSize:
        packed.length + quoted.length + deflateRawSync(Buffer.from(String(C.content))).length,
    };
    expect(await unsafeReasons(buildZip([first, C]))).toContain('a.jpg: overlap');
  });

  it('one that reaches into the directory is refused', async () => {
    const bytes = buildZip([A, { ...B, compressedSize: 1000, size: 1000 }]);
    expect(await unsafeReasons(bytes)).toEqual(['b.jpg: outside-archive']);
    const barely = buildZip([
      A,
      { ...B, compressedSize: 161, size: 161, local: { extra: u32(0) } },
    ]);
    expect(await unsafeReasons(barely)).toEqual(['b.jpg: overlap']);
  });
});

describe('#124 sizes beyond reason', () => {
  it('are refused before a byte is written', async () => {
    const size = 2 ** 32 + 1;
    const reasons = await unsafeReasons(
      buildZip([A, { ...B, method: 8, packed: Buffer.alloc(160), zip64: true, size }]),
    );
    expect(reasons).toEqual(['b.jpg: impossible-ratio', 'b.jpg: member-size', 'total-size']);
  });

  it('many small bombs count together', async () => {
    const bombs = Array.from({ length: 80 }, (_, i) => ({
      name: `${i}`,
      content: Buffer.alloc(1 << 20),
    }));
    const reasons = await unsafeReasons(buildZip(bombs));
    expect(reasons).toEqual(['total-size']);
  });

  it('a thousandfold of little is no bomb', async () => {
    const content = 'x'.repeat(1_000_000);
    const { files } = await expectUnpacked(await tempDir(), buildZip([{ name: 'a.txt', content }]));
    expect(files).toEqual({ 'a.txt': content });
  });
});
