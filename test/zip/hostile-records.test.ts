import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type ReadNote, bufferReader } from '../support/buffer-reader.ts';
import { readDirectory } from '../support/read-directory.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { codesOf, expectRefused, expectUnpacked } from '../support/unpack.ts';
import {
  type ZipMember,
  buildZip,
  endRecord,
  extraField,
  u32,
  u64,
} from '../support/zip-builder.ts';

const tempDir = useTempDirs();

const A: ZipMember = { name: 'a.jpg', content: 'image a '.repeat(20) };
const B: ZipMember = { name: 'b.jpg', content: 'image b '.repeat(20) };

async function reasonsOf(bytes: Buffer): Promise<readonly string[]> {
  const error = await expectRefused(await tempDir(), bytes, 'unsafe-archive');
  return codesOf(error);
}

async function expectBoth(bytes: Buffer): Promise<readonly string[]> {
  const { files, oddities } = await expectUnpacked(await tempDir(), bytes);
  expect(files).toEqual({ 'a.jpg': A.content, 'b.jpg': B.content });
  return oddities;
}

describe('#127 zip64', () => {
  const wide = [
    { ...A, zip64: true },
    { ...B, zip64: true },
  ];

  it.each<[string, Buffer]>([
    ['sizes and offsets in the members’ fields', buildZip(wide)],
    ['an end record', buildZip([A, B], { zip64: true })],
    ['both', buildZip(wide, { zip64: true })],
    [
      'an end record beside a plain one that says the same',
      buildZip([A, B], {
        zip64: true,
        end: { count: 2, directoryBytes: 102, directoryStart: honestStart() },
      }),
    ],
    ['extensible data in the end record', buildZip([A, B], { zip64: { data: Buffer.alloc(33) } })],
    ['a comment', buildZip([A, B], { zip64: true, comment: Buffer.from('a comment') })],
    ['bytes behind', buildZip([A, B], { zip64: true, trailing: Buffer.from('0123') })],
  ])('%s: is read', async (what, bytes) => {
    expect(await expectBoth(bytes)).toHaveLength(what === 'bytes behind' ? 1 : 0);
  });

  it('end records that disagree are refused', async () => {
    for (const end of [{ count: 1 }, { directoryBytes: 51 }, { directoryStart: 0 }]) {
      expect(await reasonsOf(buildZip([A, B], { zip64: true, end }))).toEqual([
        'contradicting-end-records',
      ]);
    }
  });

  it('an end record with the directory elsewhere is refused', async () => {
    const start = BigInt(honestStart());
    const lies = [
      { directoryStart: start + 51n, directoryBytes: 51n, count: 1n },
      { directoryStart: start - 1n },
    ];
    for (const zip64 of lies) await reasonsOf(buildZip([A, B], { zip64 }));
  });

  it('one that is missing, or not where the locator says, is damage', async () => {
    for (const zip64 of [{ without: true }, { recordAt: 0n }, { recordAt: 2n ** 63n }]) {
      const bytes = buildZip([A, B], { zip64 });
      const error = await expectRefused(await tempDir(), bytes, 'damaged-archive');
      expect(error.message).toContain('its zip64 end record is missing');
    }
  });

  it('one inside of the directory, in a comment, that could be meant, is refused', async () => {
    const empty = buildZip([], { zip64: { recordAt: BigInt(honestStart() + 102) } }).subarray(
      0,
      76,
    );
    const bytes = buildZip([A, { ...B, comment: empty }]);
    expect(await reasonsOf(bytes)).toEqual(['ambiguous-zip64']);
  });

  it('the signature of a locator in the last comment does no harm', async () => {
    const magic = Buffer.concat([u32(0x07064b50), Buffer.alloc(16)]);
    expect(await expectBoth(buildZip([A, { ...B, comment: magic }]))).toEqual([]);
  });

  it('a member whose field lacks the size it should hold is not guessed at', async () => {
    const central = { size: 0xffffffff, extra: extraField(1, []) };
    await expectRefused(await tempDir(), buildZip([A, { ...B, central }]), 'damaged-archive');
  });

  it.each<[string, Partial<ZipMember>]>([
    ['a size', { size: 0xffffffff }],
    ['a packed size', { compressedSize: 0xffffffff }],
    ['all sizes', { size: 0xffffffff, compressedSize: 0xffffffff }],
    ['an offset', { central: { headerStart: 0xffffffff } }],
    ['sizes, beside another field', { size: 0xffffffff, extra: extraField(0xcafe, [u32(1)]) }],
  ])('#204 %s of all ones, without the field, is named', async (_, lie) => {
    const bytes = buildZip([A, { ...B, ...lie }]);
    const { message } = await expectRefused(await tempDir(), bytes, 'damaged-archive');
    expect(message).toContain('ChestDx-1.zip is damaged: b.jpg: its zip64 field is missing');
  });

  it('65,535 members without zip64 are no sign of it', async () => {
    const members = Array.from({ length: 65_535 }, (_, i) => ({ name: `${i}`, method: 0 }));
    const directory = await readDirectory(bufferReader(buildZip(members)), { file: 'x.zip' });
    expect(directory.members).toHaveLength(65_535);
    expect(directory.warnings).toEqual([]);
  });

  function honestStart(): number {
    return buildZip([A, B]).length - 22 - 102;
  }
});

describe('#128 data descriptors', () => {
  it.each(['signed', 'plain', 'zip64'] as const)('%s: are read', async (descriptor) => {
    const members = [A, B].map((member) => ({ ...member, descriptor }));
    expect(await expectBoth(buildZip(members))).toEqual([]);
  });

  it.each(['signed', 'plain', 'zip64'] as const)('%s: of an empty member', async (descriptor) => {
    const { files, oddities } = await expectUnpacked(
      await tempDir(),
      buildZip([
        { name: 'empty', method: 0, descriptor },
        { ...A, descriptor },
      ]),
    );
    expect(files).toEqual({ empty: '', 'a.jpg': A.content });
    expect(oddities).toEqual([]);
  });

  it('that are promised and missing do no harm: the directory has the sizes', async () => {
    const members = [A, B].map((member) => ({ ...member, descriptor: 'missing' as const }));
    expect(await expectBoth(buildZip(members))).toEqual([
      'ChestDx-1.zip: a member lacks its data descriptor: a.jpg and 1 more; this is harmless',
    ]);
  });

  it.each([
    ['with another CRC-32', Buffer.concat([u32(0x08074b50), u32(1), u32(10), u32(160)])],
    ['of zeros', Buffer.alloc(16)],
    ['that is cut', Buffer.from('504b0708', 'hex')],
  ])('%s are refused', async (_, descriptor) => {
    expect(await reasonsOf(buildZip([{ ...A, descriptor }, B]))).toEqual([
      'a.jpg: descriptor-mismatch',
    ]);
  });

  it('do not hide a member', async () => {
    const hidden = { ...B, name: 'hidden.jpg', only: 'bytes' as const };
    const bytes = buildZip([{ ...A, descriptor: 'signed' }, hidden, B]);
    expect(await reasonsOf(bytes)).toEqual(['unlisted-member']);
  });
});

describe('#129 very many entries', () => {
  it('70,000 small files are checked with few reads', async () => {
    const members = Array.from({ length: 70_000 }, (_, i) => ({
      name: `folder${i % 100}/patient${i}_000.jpg`,
      content: 'x',
      method: 0,
    }));
    const bytes = buildZip(members, { zip64: true });
    const reads: ReadNote[] = [];
    const directory = await readDirectory(bufferReader(bytes, reads), { file: 'x.zip' });
    expect(directory.members).toHaveLength(70_000);
    expect(directory.members[69_999]).toMatchObject({
      name: 'folder99/patient69999_000.jpg',
      size: 1,
    });
    // End record, its zip64 companions, the directory; the headers in windows of 256 KiB.
    expect(reads.length).toBeLessThan(10 + bytes.length / (200 * 1024));
    expect(Math.max(...reads.slice(4).map(({ length }) => length))).toBeLessThanOrEqual(256 * 1024);
  });

  it('headers of large members are read by themselves, not with the bytes between', async () => {
    const content = Buffer.alloc(300_000, 'x');
    const members = Array.from({ length: 20 }, (_, i) => ({
      name: `${i + 10}.jpg`,
      content,
      method: 0,
    }));
    const reads: ReadNote[] = [];
    await readDirectory(bufferReader(buildZip(members), reads), { file: 'x.zip' });
    const headerStarts = members.map((_, i) => i * (30 + 6 + content.length));
    const starts = reads.filter(({ length }) => length === 30 + 6 + 128);
    expect(starts.map(({ position }) => position)).toEqual(headerStarts);
    expect(reads.reduce((bytes, { length }) => bytes + length, 0)).toBeLessThan(80_000);
  });

  it('70,001 entries are more than is reasonable', async () => {
    const one = buildZip([{ name: 'x', method: 0 }]);
    const header = one.subarray(31, one.length - 22);
    const directory = Buffer.concat(Array.from({ length: 70_001 }, () => header));
    const end = { count: 70_001 & 0xffff, directoryBytes: directory.length, directoryStart: 31 };
    const bytes = Buffer.concat([one.subarray(0, 31), directory, endRecord(end)]);
    expect(await reasonsOf(bytes)).toEqual(['entry-count']);
  });
});

it('#130 a zip in the zip is a file, packed or stored, last or not', async () => {
  const inner = buildZip([{ name: '../../evil', content: 'x' }]);
  for (const method of [0, 8]) {
    const { files } = await expectUnpacked(
      await tempDir(),
      buildZip([
        { name: 'first.zip', content: inner, method },
        A,
        { name: 'last.zip', content: inner, method },
      ]),
    );
    expect(files['first.zip']).toBe(inner.toString('latin1'));
    expect(files['last.zip']).toBe(inner.toString('latin1'));
  }
});

describe('#135 dates', () => {
  it.each([
    ['of 1980', { date: 0x0021, time: 0 }, 0],
    ['of 2107', { date: 0xff9f, time: 0xbf7d }, 0],
    ['that are none', { date: 0, time: 0 }, 0],
    ['that do not exist', { date: 0xffff, time: 0xffff }, 1],
    ['of the 0th', { date: 0x5260, time: 0 }, 1],
  ])('%s do no harm', async (_, when, warnings) => {
    const oddities = await expectBoth(buildZip([{ ...A, ...when }, B]));
    expect(oddities).toHaveLength(warnings);
    for (const oddity of oddities) expect(oddity).toContain('a date that does not exist: a.jpg');
  });
});

describe('extra fields', () => {
  it.each<[string, Buffer, number]>([
    ['of an unknown kind', extraField(0xcafe, [Buffer.alloc(100, 1)]), 0],
    [
      'of times and owners',
      Buffer.from('55540500010000000075780b000104e803000004e8030000', 'hex'),
      0,
    ],
    ['of three bytes of padding', Buffer.alloc(3), 0],
    ['of zeros, as zipalign pads', Buffer.alloc(40), 0],
    ['longer than there is room', Buffer.from('feca ff00 01'.replace(/ /g, ''), 'hex'), 1],
    ['of 60,000 bytes', extraField(0xcafe, [Buffer.alloc(60_000)]), 0],
  ])('%s do no harm', async (_, extra, warnings) => {
    const oddities = await expectBoth(buildZip([{ ...A, extra }, B]));
    expect(oddities).toHaveLength(warnings);
    for (const oddity of oddities)
      expect(oddity).toContain('extra fields that can not be read: a.jpg');
  });

  it('a zip64 field behind long padding in the header itself is not missed', async () => {
    const padding = extraField(0xcafe, [Buffer.alloc(200)]);
    const sizes = [u64(160), u64(deflateRawSync(Buffer.from(String(A.content))).length)];
    const extra = Buffer.concat([padding, extraField(1, sizes)]);
    const local = { size: 0xffffffff, compressedSize: 0xffffffff, extra };
    expect(await expectBoth(buildZip([{ ...A, local }, B]))).toEqual([]);
  });
});

describe('what is no zip, or cut', () => {
  const whole = buildZip([A, B]);

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['three bytes', Buffer.from('PK\x05')],
    ['a web page', Buffer.from('<html>'.repeat(1000))],
    ['zeros', Buffer.alloc(100_000)],
    ['without its last byte', whole.subarray(0, -1)],
    ['without its end record', whole.subarray(0, -22)],
    ['without its directory', whole.subarray(0, -130)],
    ['without its first bytes', whole.subarray(40)],
    ['with a hole', Buffer.concat([whole.subarray(0, 50), whole.subarray(60)])],
  ])('%s is damaged', async (_, bytes) => {
    await expectRefused(await tempDir(), bytes, 'damaged-archive');
  });

  it('parts of an archive over several files are refused', async () => {
    const reasons = await reasonsOf(buildZip([A, { ...B, central: { disk: 3 } }]));
    expect(reasons).toEqual(['b.jpg: split-archive']);
    for (const end of [{ disk: 1 }, { directoryDisk: 1 }])
      await reasonsOf(buildZip([A, B], { end }));
  });
});
