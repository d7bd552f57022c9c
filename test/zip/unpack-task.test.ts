import { readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import type { Member } from '../../src/zip/directory.ts';
import type { UnpackedMember } from '../../src/zip/inflate.ts';
import { BatchedFileWriter } from '../../src/zip/unpack-task.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const right = randomBytes(300_001, 'right');

function newWriter(): BatchedFileWriter {
  const files = new BatchedFileWriter();
  onTestFinished(() => files.dispose());
  return files;
}

/** As an unpacker gives it, which has `unchecked` first and comes to `content`. */
function unpacked(content: Buffer, unchecked = content): UnpackedMember & { asked: () => number } {
  let asked = 0;
  const member: Member = {
    ...{ name: 'a.jpg', size: content.length, compressedSize: content.length },
    ...{ isDeflated: true, crc32: crc32(right), dataStart: 0 },
  };
  const checked = () => {
    asked += 1;
    return content;
  };
  return { member, unchecked, checked, asked: () => asked };
}

it('a file has its content, and its CRC-32 is made once', async () => {
  const path = join(await tempDir(), 'a.jpg');
  const given = unpacked(right);
  const files = newWriter();
  const open = readdirSync('/proc/self/fd').length;
  files.writeAndVerify(path, given);
  // One is left open, to be flushed.
  expect(readdirSync('/proc/self/fd')).toHaveLength(open + 1);
  while (files.flushOne());
  expect(readdirSync('/proc/self/fd')).toHaveLength(open);
  expect(readFileSync(path).equals(right)).toBe(true);
  expect(given.asked()).toBe(0);
});

it('content that turns out to be wrong on the disk is unpacked again, and written over', async () => {
  const path = join(await tempDir(), 'a.jpg');
  const wrong = Buffer.from(right);
  wrong[200_000] = (wrong[200_000] ?? 0) ^ 1;
  const files = newWriter();
  files.writeAndVerify(path, unpacked(right, wrong));
  while (files.flushOne());
  expect(readFileSync(path).equals(right)).toBe(true);
});

it('what is right in memory and not on the disk is the disk’s fault', async () => {
  const path = join(await tempDir(), 'a.jpg');
  const other = Buffer.from(right.toReversed());
  expect(() => newWriter().writeAndVerify(path, unpacked(other))).toThrow(
    'does not hold what was written to it',
  );
});

it('what lies there already, and what a link leads to, is left alone', async () => {
  const folder = await tempDir();
  const [there, link, behind] = [join(folder, 'a'), join(folder, 'b'), join(folder, 'c')];
  writeFileSync(there, 'theirs');
  symlinkSync(behind, link);
  const files = newWriter();
  expect(() => files.writeAndVerify(there, unpacked(right))).toThrow('EEXIST');
  expect(() => files.writeAndVerify(link, unpacked(right))).toThrow('EEXIST');
  expect(readFileSync(there, 'utf8')).toBe('theirs');
  expect(() => readFileSync(behind)).toThrow('ENOENT');
});
