import { describe, expect, it } from 'vitest';
import type { MemberRecord, MembersRecord } from '../../src/dataset/ledger.ts';
import { type ArchivePart, mergeArchives } from '../../src/labels/merge-archives.ts';

const facts = { file: 'ChestDx-1.zip', stem: 'ChestDx-1', subsets: ['chestdx'] };

function part(
  images: readonly string[],
  record?: Partial<MembersRecord> & { readonly of: readonly string[] },
): ArchivePart {
  const folder = { ...facts, images, strays: [] };
  if (record === undefined) return { folder, record };
  const { of, ...more } = record;
  const member = (path: string): MemberRecord => ({ path, bytes: 1, crc32: 1, state: 'verified' });
  const md5 = 'a'.repeat(32);
  const base = { ledgerVersion: 2, archive: facts.file, md5, isComplete: true } as const;
  const extractedAt = '2026-01-01T00:00:00.000Z';
  return { folder, record: { ...base, extractedAt, members: of.map(member), ...more } };
}

const [A, B, C] = ['p1_000.jpg', 'p2_000.jpg', 'p3_000.jpg'];
const single = { md5: null, isComplete: false };

describe('an archive in several directories', () => {
  it('has the images of all, each once, and each of the first that has it', () => {
    const { archive, partOf, doubles } = mergeArchives([part([A, B]), part([B, C])]);
    expect(archive.images).toEqual([A, B, C]);
    expect([...partOf]).toEqual([
      [A, 0],
      [B, 0],
      [C, 1],
    ]);
    expect(doubles).toEqual([
      [
        { path: B, part: 0 },
        { path: B, part: 1 },
      ],
    ]);
  });

  it('has an image once that the other directory has with another ending', () => {
    const { archive, doubles } = mergeArchives([part([A]), part(['p1_000.png', 'p1_000.JPG'])]);
    expect(archive.images).toEqual([A]);
    expect(doubles).toHaveLength(2);
  });

  it('keeps both of two images of one directory', () => {
    const twice = ['a/p1_000.jpg', 'b/p1_000.jpg'];
    expect(mergeArchives([part(twice), part([A])]).archive.images).toEqual([...twice, A]);
  });

  it('says how each image was checked where it lies', () => {
    const { archive } = mergeArchives([part([B]), part([A, B], { of: [A, B] })]);
    expect([...archive.checks]).toEqual([[A, 'verified']]);
  });

  it('knows by one ledger what the archive has, also of the images of the others', () => {
    const { archive, record } = mergeArchives([
      part([C, 'x_000.jpg']),
      part([A], { of: [A, B, C] }),
    ]);
    expect(archive).toMatchObject({
      images: [C, A],
      membersKnown: true,
      unexpected: ['x_000.jpg'],
    });
    expect(record?.members).toHaveLength(3);
  });

  it('is of single images only where all are, and what is known of them is put together', () => {
    const both = mergeArchives([
      part([A], { of: [A], ...single }),
      part([B], { of: [B], ...single }),
    ]);
    expect(both.archive).toMatchObject({ areSingle: true, membersKnown: false });
    expect(both.record?.members.map(({ path }) => path)).toEqual([A, B]);
    const one = mergeArchives([part([A], { of: [A], ...single }), part([B], { of: [A, B] })]);
    expect(one.archive).toMatchObject({ areSingle: false, membersKnown: true });
  });

  it('has no damaged member that another directory has whole', () => {
    const damaged = [{ path: B, why: 'wrong CRC-32' }];
    const some = part([A], { of: [A], isComplete: false, damaged });
    expect(mergeArchives([some, part([A])]).archive.damaged).toEqual(damaged);
    expect(mergeArchives([some, part([B])]).archive.damaged).toEqual([]);
    const broken = [{ path: A, why: 'cut' as const }];
    const cut = part([A], { of: [A], broken });
    expect(mergeArchives([cut, part([B])]).archive.broken).toEqual(broken);
    expect(mergeArchives([part([A]), cut]).archive.broken).toEqual([]);
  });
});
