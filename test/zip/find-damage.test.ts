import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findDamage } from '../../src/zip/find-damage.ts';
import { readListing } from '../../src/zip/listing.ts';
import { openFileReader } from '../../src/zip/reader.ts';
import { bufferReader } from '../support/buffer-reader.ts';
import { flipped } from '../support/damaged.ts';
import { noise } from '../support/fetching.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { type ZipMember, buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const file = 'ChestDx-1.zip';

/** Compares an archive with the directory of the right one. */
async function damageOf(right: Buffer, damaged: Buffer) {
  const path = join(await tempDir(), file);
  await writeFile(path, damaged);
  const listing = await readListing(bufferReader(right), { file });
  const reader = await openFileReader(path);
  try {
    return { listing, ...(await findDamage(reader, listing, { file })) };
  } finally {
    await reader.close();
  }
}

const content = noise('a', 3000);
const shapes: readonly (readonly [string, Omit<ZipMember, 'name'>])[] = [
  ['stored', { method: 0, content }],
  ['deflated', { content: noise('b', 3000).toString('hex') }],
  ['with a descriptor', { content, descriptor: 'signed' }],
  ['with a descriptor without signature', { content, descriptor: 'plain' }],
  ['with its sizes in a zip64 field', { content, zip64: true }],
  [
    'with extra fields',
    { content, extra: Buffer.from('55540500030000000a'.padEnd(18, '0'), 'hex') },
  ],
  ['with a gap in front', { content, gapBefore: Buffer.alloc(40, 7) }],
];

it.each(shapes)('finds nothing wrong with right members %s', async (_, shape) => {
  const zip = buildZip([1, 2, 3].map((n) => ({ ...shape, name: `p${n}.jpg` })));
  const { badMembers, bad, proven } = await damageOf(zip, zip);
  expect({ badMembers, bad }).toEqual({ badMembers: [], bad: [] });
  expect(proven).toHaveLength(3);
});

it.each(shapes)(
  'finds each flipped bit of what the directory knows, in members %s',
  async (_, shape) => {
    const zip = buildZip([1, 2, 3].map((n) => ({ ...shape, name: `p${n}.jpg` })));
    const { listing } = await damageOf(zip, zip);
    const [, second] = listing.members;
    if (second === undefined) throw new Error('no member');
    const dataStart = zip.readUInt16LE(second.headerStart + 28) + second.headerStart + 36;
    // Signature, method, length of the name, name, content: not its ends, where deflate ignores some bits.
    for (const at of [0, 8, 26, 32]
      .map((offset) => second.headerStart + offset)
      .concat([dataStart + 12, dataStart + second.compressedSize - 12])) {
      const { badMembers, bad } = await damageOf(zip, flipped(zip, at));
      expect(badMembers, `byte ${at}`).toEqual(['p2.jpg']);
      expect(bad[0]?.start).toBe(second.headerStart);
    }
  },
);

it.each(['signed', 'plain', 'zip64'] as const)(
  'finds a wrong descriptor (%s) alone',
  async (descriptor) => {
    const zip = buildZip([1, 2].map((n) => ({ name: `p${n}.jpg`, content, descriptor })));
    const { listing } = await damageOf(zip, zip);
    const { endsBefore = 0 } = listing.members[0] ?? {};
    const { badMembers, bad } = await damageOf(zip, flipped(zip, endsBefore - 1));
    expect(badMembers).toEqual([]);
    expect(bad).toHaveLength(1);
    expect((bad[0]?.start ?? 0) + (bad[0]?.length ?? 0)).toBe(endsBefore);
  },
);

it.each([0, 1, 29, 31, 40, 3000, 3100])(
  'takes what a file has that is cut at byte %i',
  async (length) => {
    const zip = buildZip([1, 2].map((n) => ({ name: `p${n}.jpg`, content, method: 0 })));
    const { badMembers, proven } = await damageOf(zip, zip.subarray(0, length));
    const isFirstWhole = length >= 36 + content.length;
    expect(badMembers).toEqual(isFirstWhole ? ['p2.jpg'] : ['p1.jpg', 'p2.jpg']);
    expect(proven).toHaveLength(isFirstWhole ? 1 : 0);
  },
);
