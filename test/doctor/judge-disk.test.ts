import { describe, expect, it } from 'vitest';
import type { FileSystem, Trial } from '../../src/doctor/disk.ts';
import {
  judgeDiskClock,
  judgeFileSystem,
  judgeFlush,
  judgeInodes,
  judgeSpace,
} from '../../src/doctor/judge-disk.ts';

const DAY = 24 * 60 * 60_000;
const NOW = Date.parse('2026-11-28T12:00:00Z');

describe('a disk', () => {
  const trial: Trial = {
    writtenAtMs: NOW,
    beforeMs: NOW - 5,
    afterMs: NOW + 5,
    distinguishesCase: true,
    flushes: true,
  };
  it.each([
    [{}, 'ok'],
    [{ writtenAtMs: NOW - 2000 }, 'ok'],
    [{ writtenAtMs: NOW - DAY }, 'warning'],
    [{ writtenAtMs: NOW + DAY }, 'warning'],
  ])('its clock: %j', (change, status) => {
    expect(judgeDiskClock({ ...trial, ...change }).status).toBe(status);
  });

  it('that can not flush is a warning', () => {
    expect(judgeFlush({ ...trial, flushes: false }).status).toBe('warning');
  });

  it.each([
    [null, true, 'warning'],
    [1000, true, 'ok'],
    [999, true, 'problem'],
    [999, false, 'warning'],
    [5, false, 'problem'],
  ])('%s bytes free (selected: %s)', (bytesFreeOnDisk, isSelected, status) => {
    const step = { file: 'a', subsets: [], status: 'to-download', action: 'download' } as const;
    const steps = [{ ...step, bytes: 10, about: false, keptBytes: 0, removes: false }];
    const sizes = { bytesToDownload: 0, about: false, bytesToRemove: 0, bytesNeededOnDisk: 1000 };
    const plan = { steps, ...sizes, bytesFreeOnDisk };
    expect(judgeSpace(plan, isSelected).status).toBe(status);
  });

  const disk: FileSystem = { type: 0xef53, inodes: 100, freeInodes: 10 };
  it.each([
    [disk, 10 * 265_000, true, 'ok'],
    [disk, 11 * 265_000, true, 'problem'],
    [disk, 11 * 265_000, false, 'warning'],
    [{ ...disk, freeInodes: 0 }, 265_000, false, 'problem'],
    [{ ...disk, inodes: 0 }, 11 * 265_000, true, undefined],
  ])('%j for %i bytes of images (selected: %s)', (of, bytes, isSelected, status) => {
    const images = { bytesToExtract: bytes, isCounted: true };
    expect(judgeInodes(of, images, isSelected)?.status).toBe(status);
  });

  it('says how many images will come where the manifest has counted them', () => {
    const seen = (isCounted: boolean) =>
      judgeInodes(disk, { bytesToExtract: 2 * 265_000, isCounted }, true)?.seen;
    expect(seen(true)).toBe('10 inodes free; about 2 images to come');
    expect(seen(false)).toBe('10 inodes free; the manifest does not say how many images will come');
  });

  it.each([
    [0x6969, [], 'ok', 'NFS, over the network'],
    // Its highest bit is set: some systems give it with a sign.
    [0xff534d42 | 0, [], 'ok', 'SMB, over the network'],
    [0x01021994, [], 'warning', 'tmpfs: files are in memory'],
    [1, [], 'ok', 'a file system of another kind than the common ones'],
    [
      0xef53,
      ['images'],
      'problem',
      'images on another disk than the directory: no rename leads there',
    ],
  ])('of the type %i with %j elsewhere', (type, elsewhere, status, seen) => {
    expect(judgeFileSystem({ ...disk, type }, elsewhere)).toMatchObject({ status, seen });
  });
});
