import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Entry, fromBufferPromise } from 'yauzl';
import { type ZipMember, type ZipOptions, zipChunks } from '../../scripts/release/zip-writer.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const hasUnzip = spawnSync('unzip', ['-v']).status === 0;
if (!hasUnzip) console.warn('SKIPPED: unzip is not here (apt-get install unzip)');

const tempDir = useTempDirs();

async function zip(members: readonly ZipMember[], options: ZipOptions = {}): Promise<Buffer> {
  return buffer(zipChunks(members, options));
}

async function read(bytes: Buffer) {
  const file = await fromBufferPromise(bytes, { strictFileNames: true });
  const entries: { entry: Entry; content: Buffer }[] = [];
  for await (const entry of file.eachEntry()) {
    const content = entry.fileName.endsWith('/')
      ? Buffer.alloc(0)
      : await buffer(await file.openReadStreamPromise(entry));
    entries.push({ entry, content });
  }
  return entries;
}

const MEMBERS: readonly ZipMember[] = [
  { name: 'ChestDx-1/', bytes: Buffer.alloc(0) },
  { name: 'ChestDx-1/patient1_000.jpg', bytes: Buffer.from('image '.repeat(1000)) },
  { name: 'ChestDx-1/empty.txt', bytes: Buffer.alloc(0) },
  { name: 'ChestDx-1/胸部.txt', bytes: Buffer.from([0, 255, 10, 13]) },
];

describe('zipChunks', () => {
  it.each(['deflate', 'store'] as const)('writes what yauzl reads, by %s', async (method) => {
    const entries = await read(await zip(MEMBERS, { method }));
    expect(entries.map(({ entry, content }) => [entry.fileName, content])).toEqual(
      MEMBERS.map(({ name, bytes }) => [name, bytes]),
    );
    for (const { entry, content } of entries) {
      const isFolder = entry.fileName.endsWith('/');
      expect(entry.crc32).toBe(crc32(content));
      expect(entry.compressionMethod).toBe(method === 'store' || isFolder ? 0 : 8);
      expect(entry.externalFileAttributes >>> 16).toBe(isFolder ? 0o40755 : 0o100644);
      expect(entry.getLastModDate({ timezone: 'UTC' }).toISOString()).toBe(
        '2021-03-21T00:00:00.000Z',
      );
      // Only a name that is not ASCII says that it is UTF-8.
      expect((entry.generalPurposeBitFlag & 0x800) !== 0).toBe(/[^ -~]/.test(entry.fileName));
    }
  });

  it('deflates at the level asked for', async () => {
    const bytes = Buffer.from(
      Array.from({ length: 20_000 }, (_, i) => ((i * i * 7919) % 251) & 31),
    );
    const [least, most] = await Promise.all(
      [1, 9].map((level) => zip([{ name: 'a', bytes }], { level })),
    );
    expect(most!.length).toBeLessThan(least!.length);
  });

  it('gives the same bytes again', async () => {
    expect((await zip(MEMBERS)).equals(await zip(MEMBERS))).toBe(true);
  });

  it('takes members as they are made', async () => {
    async function* later() {
      for (const member of MEMBERS) yield await Promise.resolve(member);
    }
    expect((await buffer(zipChunks(later()))).equals(await zip(MEMBERS))).toBe(true);
  });

  it('writes an empty archive, which has an end record alone', async () => {
    const bytes = await zip([]);
    expect(bytes.length).toBe(22);
    expect(await read(bytes)).toEqual([]);
  });

  it('holds 65,534 members, and refuses one more than fits without zip64', async () => {
    function* many(count: number): Generator<ZipMember> {
      for (let i = 0; i < count; i += 1) yield { name: String(i), bytes: Buffer.alloc(0) };
    }
    const most = await buffer(zipChunks(many(0xfffe), { method: 'store' }));
    expect(most.readUInt16LE(most.length - 12)).toBe(0xfffe);
    await expect(buffer(zipChunks(many(0xffff), { method: 'store' }))).rejects.toThrow(RangeError);
  });

  it.skipIf(!hasUnzip)('passes unzip -t, and unpacks to what went in', async () => {
    const directory = await tempDir();
    const path = join(directory, 'a.zip');
    await writeFile(path, await zip(MEMBERS));
    const tested = spawnSync('unzip', ['-t', path], { encoding: 'utf8' });
    expect(tested).toMatchObject({ status: 0, stderr: '' });
    const out = join(directory, 'out');
    expect(spawnSync('unzip', ['-q', path, '-d', out]).status).toBe(0);
    expect(await listTree(out)).toEqual([
      'ChestDx-1',
      ...MEMBERS.slice(1)
        .map(({ name }) => name)
        .sort(),
    ]);
    for (const { name, bytes } of MEMBERS.slice(1)) {
      expect(await readFile(join(out, name))).toEqual(bytes);
    }
  });
});
