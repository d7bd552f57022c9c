import { readdirSync } from 'node:fs';
import { readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { toMemberContents } from '../../src/dataset/ledger.ts';
import { MAX_STREAM_BYTES } from '../../src/zip/inflate-kernel/inflater.ts';
import { checkMembers, extractMembers } from '../../src/zip/member.ts';
import { ARCHIVE_FILE as file, makeArchiveFile } from '../support/archive-file.ts';
import { type ReadNote, bufferReader } from '../support/buffer-reader.ts';
import { readDirectory } from '../support/read-directory.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { type ZipMember, buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();

/** Bytes that hardly deflate, the same on every run. */
function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

const MIB = 1024 * 1024;
const BIG = noise(MAX_STREAM_BYTES + 1_012_345);

async function check(members: readonly ZipMember[]): Promise<void> {
  const { reader, directory } = await makeArchiveFile(await tempDir(), members);
  await checkMembers(reader, directory, { file });
}

describe('a member too large for one piece', () => {
  it.each([0, 8])('is unpacked byte for byte, method %i', async (method) => {
    const big = { name: 'big.bin', content: BIG, method };
    const { reader, directory } = await makeArchiveFile(await tempDir(), [big]);
    const into = await tempDir();
    await extractMembers(reader, directory, { file, into });
    expect(toMemberContents(directory.members)).toEqual([
      { path: 'big.bin', bytes: BIG.length, crc32: crc32(BIG) },
    ]);
    expect((await readFile(join(into, 'big.bin'))).equals(BIG)).toBe(true);
  });

  it.each<[string, Partial<ZipMember>, string]>([
    ['a wrong CRC-32', { crc32: 5 }, 'damaged-archive'],
    ['a size that is too small', { size: BIG.length - 1 }, 'unsafe-archive'],
    ['a size that is far too small', { size: MIB }, 'unsafe-archive'],
    ['a size that is too large', { size: BIG.length + 1 }, 'damaged-archive'],
    [
      'a stream that is cut',
      { packed: deflateRawSync(BIG).subarray(0, 2 * MIB) },
      'damaged-archive',
    ],
    [
      'a stream that is broken',
      {
        packed: Buffer.concat([deflateRawSync(BIG).subarray(0, MIB), Buffer.alloc(MIB * 2, 0xff)]),
      },
      'damaged-archive',
    ],
    [
      'a byte behind the stream',
      { packed: Buffer.concat([deflateRawSync(BIG), Buffer.alloc(1)]) },
      'unsafe-archive',
    ],
    [
      'megabytes behind the stream',
      { packed: Buffer.concat([deflateRawSync(BIG), noise(MIB)]) },
      'unsafe-archive',
    ],
  ])('with %s is refused', async (_, lie, code) => {
    await expect(check([{ name: 'big.bin', content: BIG, ...lie }])).rejects.toMatchObject({
      code,
    });
  });

  it('with bytes behind its stream that begin with a piece of their own is refused', async () => {
    const content = Buffer.alloc(MAX_STREAM_BYTES + 1);
    const stream = deflateRawSync(content, { level: 0 });
    const padding = Buffer.alloc(256 * 1024 - (stream.length % (256 * 1024)));
    // So that the stream ends exactly with a piece.
    const stored = Buffer.concat([content, padding]);
    for (let extra = 0; extra < 64; extra += 1) {
      const sized = stored.subarray(0, stored.length - extra);
      const packed = deflateRawSync(sized, { level: 0 });
      if (packed.length % (256 * 1024) !== 0) continue;
      const lie = { packed: Buffer.concat([packed, Buffer.from('behind')]) };
      await expect(check([{ name: 'b', content: sized, ...lie }])).rejects.toMatchObject({
        code: 'unsafe-archive',
      });
      return;
    }
    throw new Error('no stream ends with a piece');
  });
});

describe('the whole way', () => {
  it('makes folders, empty files and odd names, and reports each byte once', async () => {
    const contents: Readonly<Record<string, string>> = {
      'a/b/c/deep.txt': 'deep',
      'a/b.txt': 'beside',
      'a-b/c.txt': 'sorted between',
      empty: '',
      'patient1_000.jpg': 'x'.repeat(10_000),
    };
    const members = Object.entries(contents).map(([name, content]) => ({ name, content }));
    const { reader, directory } = await makeArchiveFile(await tempDir(), [
      { name: 'none/' },
      ...members,
    ]);
    const into = await tempDir();
    const reported: number[] = [];
    await extractMembers(reader, directory, {
      file,
      into,
      onBytes: (bytes) => reported.push(bytes),
    });
    expect(directory.members.map(({ name }) => name)).toEqual(Object.keys(contents));
    for (const [path, content] of Object.entries(contents)) {
      expect(await readFile(join(into, path), 'utf8')).toBe(content);
    }
    expect(reported.at(-1)).toBe(directory.totalBytes);
    expect(reported).toEqual([...reported].sort((a, b) => a - b));
    // A folder that nothing lies in is nothing that could be lost.
    expect((await readdir(into)).sort()).toEqual(['a', 'a-b', 'empty', 'patient1_000.jpg']);
  });

  it('never writes through what lies there already', async () => {
    const { reader, directory } = await makeArchiveFile(await tempDir(), [
      { name: 'a.jpg', content: 'new' },
    ]);
    const outside = join(await tempDir(), 'outside');
    await writeFile(outside, 'untouched');
    const into = await tempDir();
    await symlink(outside, join(into, 'a.jpg'));
    await expect(extractMembers(reader, directory, { file, into })).rejects.toMatchObject({
      code: 'EEXIST',
    });
    expect(await readFile(outside, 'utf8')).toBe('untouched');
  });

  it('never goes into a folder that lies there already', async () => {
    const { reader, directory } = await makeArchiveFile(await tempDir(), [
      { name: 'd/a.jpg', content: 'new' },
      { name: 'b' },
    ]);
    const outside = await tempDir();
    const into = await tempDir();
    await symlink(outside, join(into, 'd'));
    await expect(extractMembers(reader, directory, { file, into })).rejects.toMatchObject({
      code: 'EEXIST',
    });
    expect(await readdir(outside)).toEqual([]);
  });

  it('holds few files open at once', async () => {
    const members = Array.from({ length: 200 }, (_, i) => ({ name: `${i}`, content: `${i}` }));
    const { reader, directory } = await makeArchiveFile(await tempDir(), members);
    const countOpen = () => readdirSync('/proc/self/fd').length;
    const before = countOpen();
    let most = 0;
    const onBytes = () => {
      most = Math.max(most, countOpen());
    };
    await extractMembers(reader, directory, { file, into: await tempDir(), onBytes });
    expect(most).toBeLessThanOrEqual(before + 64);
    expect(countOpen()).toBe(before);
  });

  it('#132 whatever read fails, its error is thrown, once', async () => {
    const reads: ReadNote[] = [];
    const members = Array.from({ length: 30 }, (_, i) => ({
      name: `${i}`,
      content: noise(30_000, i),
    }));
    const bytes = buildZip(members, { zip64: true });
    await readDirectory(bufferReader(bytes, reads), { file });
    expect(reads.length).toBeGreaterThan(20);
    for (let failing = 0; failing < reads.length; failing += 1) {
      const reader = bufferReader(bytes);
      let count = 0;
      const broken: typeof reader = {
        ...reader,
        read: async (into, position) => {
          count += 1;
          if (count > failing) throw Object.assign(new Error('a bad sector'), { code: 'EIO' });
          await reader.read(into, position);
        },
      };
      await expect(readDirectory(broken, { file })).rejects.toThrow('a bad sector');
    }
  });

  it('begins no member any more after the first that fails', async () => {
    const members = Array.from({ length: 200 }, (_, i) => ({
      name: `${i}`,
      content: `${i}`,
      ...(i === 20 ? { crc32: 7 } : {}),
    }));
    const { reader, directory } = await makeArchiveFile(await tempDir(), members);
    const into = await tempDir();
    await expect(extractMembers(reader, directory, { file, into })).rejects.toMatchObject({
      code: 'damaged-archive',
    });
    expect((await readdir(into)).length).toBeLessThan(60);
  });

  it('ends at once when stopped, in the middle of a large member, too', async () => {
    for (const content of ['small', BIG]) {
      const members = Array.from({ length: 50 }, (_, i) => ({ name: `${i}`, content }));
      const { reader, directory } = await makeArchiveFile(
        await tempDir(),
        members.slice(0, content === BIG ? 2 : 50),
      );
      const stop = new AbortController();
      let heard = 0;
      const into = await tempDir();
      const open = readdirSync('/proc/self/fd').length;
      const extracting = extractMembers(reader, directory, {
        file,
        into,
        signal: stop.signal,
        onBytes: (bytes) => {
          heard = bytes;
          stop.abort();
        },
      });
      await expect(extracting).rejects.toMatchObject({ code: 'aborted' });
      expect(heard).toBeLessThan(directory.totalBytes);
      expect(readdirSync('/proc/self/fd')).toHaveLength(open);
    }
  });
});
