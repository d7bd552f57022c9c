import { describe, expect, it } from 'vitest';
import { loadManifest } from '../../src/manifest/load.ts';
import { type ManifestFile, selectFiles } from '../../src/manifest/manifest.ts';
import { filesOfShard, splitIdOf } from '../../src/manifest/shard.ts';
import { aboutBytesOf } from '../../src/manifest/size.ts';

const manifest = await loadManifest();
const { files } = manifest;

function split(all: readonly ManifestFile[], count: number): readonly (readonly ManifestFile[])[] {
  return Array.from({ length: count }, (_, at) => filesOfShard(all, { index: at + 1, count }));
}

const bytesOf = (shard: readonly ManifestFile[]) =>
  shard.reduce((sum, file) => sum + aboutBytesOf(file), 0);
const namesOf = (shard: readonly ManifestFile[]) => shard.map(({ name }) => name);

describe('the shards of a selection', () => {
  it.each([1, 2, 3, 7, 8, 16, 40, 82, 100, 1000])(
    'are each file once, in the order of the manifest: %i',
    (count) => {
      const shards = split(files, count);
      expect(namesOf(shards.flat()).sort()).toEqual(namesOf(files).sort());
      for (const shard of shards) {
        expect(shard).toEqual(files.filter((file) => shard.includes(file)));
      }
    },
  );

  it('have about the same bytes', () => {
    const loads = split(files, 8).map(bytesOf);
    const mean = bytesOf(files) / 8;
    for (const load of loads) expect(Math.abs(load / mean - 1)).toBeLessThan(0.05);
  });

  it('are the same whatever the order of the files is', () => {
    const reversed = split([...files].reverse(), 8);
    const shards = split(files, 8);
    expect(reversed.map((shard) => namesOf(shard).sort())).toEqual(
      shards.map((shard) => namesOf(shard).sort()),
    );
  });

  it('stay as they are: a shard that is requeued after an update is the same', () => {
    const chestDx = selectFiles(manifest, { subsets: ['chestdx-pe'] });
    const numbers = split(chestDx, 3).map((shard) =>
      namesOf(shard).map((name) => name.replace(/^ChestDx_PE-|\.\w+$/g, '')),
    );
    expect(numbers.map((each) => each.join(' '))).toEqual([
      '2 4 7 8 12 13 21 chest_dx',
      '1 5 9 10 16 17 18 20',
      '3 6 11 14 15 19 22 23',
    ]);
  });

  it('keep files together that share an MD5: which is which, one run alone can tell', () => {
    const twins = files.filter(({ md5 }) => files.filter((file) => file.md5 === md5).length > 1);
    expect(namesOf(twins)).toEqual(['Viral-1.zip', 'Other-1.zip']);
    for (const count of [2, 8, 82]) {
      const having = split(files, count).filter((shard) =>
        twins.some((twin) => shard.includes(twin)),
      );
      expect(having).toHaveLength(1);
    }
  });

  it('are empty where there are fewer files', () => {
    const one = selectFiles(manifest, { files: ['ChestDx-22'] });
    expect(split(one, 3).map(namesOf)).toEqual([['ChestDx-22.zip'], [], []]);
    expect(split([], 2)).toEqual([[], []]);
  });

  it('go by the exact size where it is known, else by the published one', () => {
    const file = (name: string, size: string, bytes?: number): ManifestFile => ({
      name,
      kind: 'archive',
      category: 'ChestDx',
      subsets: ['chestdx'],
      size,
      md5: name.padEnd(32, '0'),
      bytes,
    });
    const sizes = [
      file('a', '1MB', 9_000_000),
      file('b', '5MB'),
      file('c', '4MB'),
      file('d', '1K'),
    ];
    expect(split(sizes, 2).map(namesOf)).toEqual([
      ['a', 'd'],
      ['b', 'c'],
    ]);
  });
});

describe('the name of a split', () => {
  it('is that of the files and the count, in whatever order', () => {
    const shard = { index: 3, count: 8 };
    const id = splitIdOf(files, shard);
    expect(id).toMatch(/^[0-9a-f]{8}$/);
    expect(splitIdOf([...files].reverse(), { index: 5, count: 8 })).toBe(id);
    expect(splitIdOf(files, { index: 3, count: 9 })).not.toBe(id);
    expect(splitIdOf(files.slice(1), shard)).not.toBe(id);
    const corrected = files.map((file) => ({ ...file, md5: '0'.repeat(32) }));
    expect(splitIdOf(corrected, shard)).not.toBe(id);
  });
});
