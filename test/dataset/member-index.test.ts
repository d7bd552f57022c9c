import { mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import {
  type MemberIndex,
  membersOf,
  readMemberIndex,
  writeMemberIndex,
} from '../../src/dataset/member-index.ts';
import type { RangedFile } from '../../src/ranges/ranged-file.ts';
import { type ListedMember, readListing } from '../../src/zip/listing.ts';
import { type ReadNote, bufferReader } from '../support/buffer-reader.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const mounts = useMounts();

const ARCHIVE = { name: 'ChestDx-1.zip', md5: '0123456789abcdef0123456789abcdef' };
const GBK = Buffer.from('b2a1b2bf2e6a7067', 'hex');
const ZIP = buildZip([
  { name: 'ChestDx-1/patient1_000.jpg', content: 'one' },
  { name: Buffer.concat([Buffer.from('ChestDx-1/'), GBK]), content: 'two' },
  { name: 'ChestDx-1/__proto__', content: 'three', descriptor: 'signed' },
]);

function rangedFile(bytes: Buffer, validator: string | null, reads: ReadNote[]): RangedFile {
  return {
    ...bufferReader(bytes, reads),
    ...{ place: 'http://h.test/ChestDx-1.zip', url: null, isLocal: false, validator },
    fetch: () => Promise.reject(new Error('not asked for')),
  };
}

async function placeIndex(validator: string | null = '"v1"') {
  const layout = layoutOf(await tempDir());
  const listing = await readListing(bufferReader(ZIP), { file: ARCHIVE.name });
  const index: MemberIndex = { validator, listing };
  await writeMemberIndex(layout, ARCHIVE, index);
  return { layout, index, path: join(layout.members, 'ChestDx-1.json') };
}

it('reads what it has written', async () => {
  const { layout, index } = await placeIndex();
  expect(await readMemberIndex(layout, ARCHIVE)).toEqual(index);
});

describe('#219 an index that can not be used is none', () => {
  it('of another release, or of another archive', async () => {
    const { layout, path } = await placeIndex();
    const other = { ...ARCHIVE, md5: 'f'.repeat(32) };
    expect(await readMemberIndex(layout, other)).toBeUndefined();
    await writeFile(join(layout.members, 'ChestDx-2.json'), await readFile(path));
    expect(await readMemberIndex(layout, { ...ARCHIVE, name: 'ChestDx-2.zip' })).toBeUndefined();
  });

  it('with any byte changed that has a meaning', async () => {
    const { layout, path, index } = await placeIndex();
    const good = await readFile(path);
    for (let at = 0; at < good.length; at += 1) {
      const bytes = Buffer.from(good);
      bytes[at] = (good[at] ?? 0) ^ 1;
      await writeFile(path, bytes);
      const read = await readMemberIndex(layout, ARCHIVE);
      if (read !== undefined) expect({ at, read }).toEqual({ at, read: index });
    }
  });

  it('cut, empty, a directory, too long, or of another form', async () => {
    const { layout, path } = await placeIndex();
    const good = await readFile(path, 'utf8');
    const texts = ['', '{}', '[]', 'null', good.slice(0, -9), '{"memberIndexVersion":1}', '\0'];
    for (const text of texts) {
      await writeFile(path, text);
      expect(await readMemberIndex(layout, ARCHIVE)).toBeUndefined();
    }
    await truncate(path, 65 * 1024 * 1024);
    expect(await readMemberIndex(layout, ARCHIVE)).toBeUndefined();
  });

  it('with a name that leads elsewhere once its folder is taken off', async () => {
    const { layout, index } = await placeIndex();
    const [member] = index.listing.members;
    if (member === undefined) throw new Error('no member');
    for (const [topFolder, name] of [
      [null, '../x.jpg'],
      ['T', 'T/../x.jpg'],
      ['T', 'T//x.jpg'],
    ] as const) {
      const members = [{ ...member, name, rawName: name }];
      const listing = { ...index.listing, topFolder, members };
      await writeMemberIndex(layout, ARCHIVE, { ...index, listing });
      expect(await readMemberIndex(layout, ARCHIVE)).toBeUndefined();
    }
  });

  it.each<[string, Partial<ListedMember>]>([
    ['ends before it begins', { endsBefore: 0 }],
    ['is longer than its place', { compressedSize: 1_000_000 }],
    ['begins behind the next one', { headerStart: 1_000_000 }],
    ['ends behind the directory', { endsBefore: ZIP.length + 1 }],
    ['unpacks to more than deflate can', { size: 1_000_000 }],
    ['is larger than any member', { size: 5 * 1024 ** 3, compressedSize: 5 * 1024 ** 3 }],
  ])('with a member that %s', async (_, wrong) => {
    const { layout, index } = await placeIndex();
    const { listing } = index;
    const members = listing.members.map((member, at) => ({ ...member, ...(at === 0 && wrong) }));
    await writeMemberIndex(layout, ARCHIVE, { ...index, listing: { ...listing, members } });
    expect(await readMemberIndex(layout, ARCHIVE)).toBeUndefined();
  });

  it('with a directory behind the end of the archive', async () => {
    const { layout, index } = await placeIndex();
    const listing = { ...index.listing, directoryStart: index.listing.sizeBytes + 1 };
    await writeMemberIndex(layout, ARCHIVE, { ...index, listing });
    expect(await readMemberIndex(layout, ARCHIVE)).toBeUndefined();
  });

  it('where there is none', async () => {
    const layout = layoutOf(join(await tempDir(), 'nowhere'));
    expect(await readMemberIndex(layout, ARCHIVE)).toBeUndefined();
  });
});

describe('membersOf', () => {
  it('reads the directory once, and again where the archive is another one', async () => {
    const layout = layoutOf(await tempDir());
    const count = async (bytes: Buffer, validator: string | null) => {
      const reads: ReadNote[] = [];
      const { members } = await membersOf(ARCHIVE, rangedFile(bytes, validator, reads), { layout });
      return { members: members.length, isRead: reads.length > 0 };
    };
    expect(await count(ZIP, '"v1"')).toEqual({ members: 3, isRead: true });
    expect(await count(ZIP, '"v1"')).toEqual({ members: 3, isRead: false });
    expect(await count(ZIP, '"v2"')).toEqual({ members: 3, isRead: true });
    const longer = buildZip([{ name: 'a.jpg', content: 'one' }]);
    expect(await count(longer, '"v2"')).toEqual({ members: 1, isRead: true });
    expect(await count(longer, null)).toEqual({ members: 1, isRead: true });
    expect(await count(longer, null)).toEqual({ members: 1, isRead: false });
  });

  it('keeps nothing where that is not wanted', async () => {
    const layout = layoutOf(await tempDir());
    await membersOf(ARCHIVE, rangedFile(ZIP, '"v1"', []), { layout, keep: false });
    expect(await readMemberIndex(layout, ARCHIVE)).toBeUndefined();
  });

  it.skipIf(!canMount)('lists the members where nothing can be kept of them', async () => {
    const layout = layoutOf(await mounts.readOnly(await tempDir()));
    const { members } = await membersOf(ARCHIVE, rangedFile(ZIP, '"v1"', []), { layout });
    expect(members).toHaveLength(3);
  });

  it('says that its place is taken', async () => {
    const root = await tempDir();
    const layout = layoutOf(root);
    await mkdir(layout.state);
    await symlink('/nowhere/at/all', layout.members);
    const written = membersOf(ARCHIVE, rangedFile(ZIP, '"v1"', []), { layout });
    await expect(written).rejects.toMatchObject({ code: 'occupied' });
  });
});
