import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { archiveReader, folderReader } from '../../src/dataset/image-reader.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { type ZipMember, buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();

describe('of a folder', () => {
  async function folder(content = 'one') {
    const directory = await tempDir();
    await mkdir(join(directory, 'sub'));
    await writeFile(join(directory, 'sub', 'a_000.jpg'), content);
    return directory;
  }
  const member = { path: 'sub/a_000.jpg', bytes: 3, crc32: crc32('one') };

  it('reads an image that is as it is known, and one of which nothing is known', async () => {
    const directory = await folder();
    for (const members of [new Map([[member.path, member]]), new Map<string, never>()]) {
      const reader = folderReader(directory, members);
      expect(Buffer.from(await reader.read(member.path)).toString()).toBe('one');
      await reader.close();
    }
  });

  it.each([
    { name: 'another length', content: 'ones' },
    { name: 'other bytes of the same length', content: 'two' },
  ])('refuses $name', async ({ content }) => {
    const directory = await folder(content);
    const reader = folderReader(directory, new Map([[member.path, member]]));
    await expect(reader.read(member.path)).rejects.toMatchObject({
      code: 'damaged-archive',
      facts: { path: join(directory, member.path) },
    });
  });

  it('says which image is not there', async () => {
    const directory = await tempDir();
    const reading = folderReader(directory, new Map()).read('b_000.jpg');
    await expect(reading).rejects.toMatchObject({
      code: 'missing',
      facts: { path: join(directory, 'b_000.jpg') },
    });
  });
});

describe('of an archive', () => {
  async function archive(members: readonly ZipMember[]) {
    const path = join(await tempDir(), 'ChestDx-1.zip');
    await writeFile(path, buildZip(members));
    return path;
  }
  const FILE = 'ChestDx-1.zip';

  it('reads deflated and stored members, several at once, by their paths below images/', async () => {
    const path = await archive([
      { name: 'ChestDx-1/a_000.jpg', content: 'one'.repeat(1000) },
      { name: 'ChestDx-1/b_000.jpg', content: 'two', method: 0 },
      { name: 'ChestDx-1/c_000.jpg' },
    ]);
    const reader = await archiveReader(path, FILE);
    const names = ['a_000.jpg', 'b_000.jpg', 'c_000.jpg'];
    const contents = await Promise.all(names.map((name) => reader.read(name)));
    const texts = contents.map((content) => Buffer.from(content).toString());
    expect(texts).toEqual(['one'.repeat(1000), 'two', '']);
    await reader.close();
    await expect(reader.read('a_000.jpg')).rejects.toThrow();
  });

  it.each<{ name: string; member: ZipMember }>([
    { name: 'a wrong CRC-32', member: { name: 'a_000.jpg', content: 'one', crc32: 1 } },
    {
      name: 'a stream that can not be unpacked',
      member: { name: 'a_000.jpg', packed: Buffer.from('ffff', 'hex'), size: 3, crc32: 1 },
    },
  ])('names a member with $name, and reads the others', async ({ member }) => {
    const path = await archive([member, { name: 'b_000.jpg', content: 'two' }]);
    const reader = await archiveReader(path, FILE);
    const reading = reader.read('a_000.jpg');
    await expect(reading).rejects.toMatchObject({ code: 'damaged-archive', facts: { file: FILE } });
    expect(Buffer.from(await reader.read('b_000.jpg')).toString()).toBe('two');
    await reader.close();
  });

  it('says that a member is not in it', async () => {
    const reader = await archiveReader(await archive([{ name: 'a_000.jpg' }]), FILE);
    await expect(reader.read('b_000.jpg')).rejects.toMatchObject({
      code: 'missing',
      facts: { file: FILE },
    });
    await reader.close();
  });

  it.each([
    { name: 'that leads elsewhere', member: '../a_000.jpg', code: 'unsafe-archive' },
    { name: 'that is there twice', member: 'b_000.jpg', code: 'unsafe-archive' },
  ])('is not opened with a name $name', async ({ member, code }) => {
    const path = await archive([{ name: member, content: 'x' }, { name: 'b_000.jpg' }]);
    await expect(archiveReader(path, FILE)).rejects.toMatchObject({ code });
  });

  it('ends when stopped', async () => {
    const path = await archive([{ name: 'a_000.jpg' }]);
    const reading = archiveReader(path, FILE, { signal: AbortSignal.abort() });
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
  });
});
