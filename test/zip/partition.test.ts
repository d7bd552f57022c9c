import { expect, it } from 'vitest';
import type { Member } from '../../src/zip/directory.ts';
import { partitionMembers } from '../../src/zip/unpack-pool.ts';

const MIB = 1024 * 1024;

function members(count: number, size: number, compressedSize = size): readonly Member[] {
  return Array.from({ length: count }, (_, at) => ({
    ...{ name: `${at}`, dataStart: 0, compressedSize, size },
    ...{ crc32: 0, isDeflated: true },
  }));
}

const lengths = (some: readonly Member[], threads: number) =>
  partitionMembers(some, threads).map(({ length }) => length);

it.each([
  ['no members are no part', members(0, 1), 4, []],
  ['a small archive is one', members(10, 1000), 4, [10]],
  ['of 64 members at most', members(150, 1000), 4, [64, 64, 22]],
  ['of 32 MiB at most', members(100, MIB), 1, [32, 32, 32, 4]],
  ['smaller where there are threads for more', members(32, MIB), 4, [4, 4, 4, 4, 4, 4, 4, 4]],
  ['not smaller than 4 MiB', members(10, MIB), 8, [4, 4, 2]],
  ['counted by what is longer, packed or not', members(10, 1000, MIB), 8, [4, 4, 2]],
])('%s', (_, some, threads, expected) => {
  expect(lengths(some, threads)).toEqual(expected);
  // Each once, and in their order.
  expect(partitionMembers(some, threads).flat()).toEqual(some);
});
