import { createHash } from 'node:crypto';
import { readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { openPromise } from 'yauzl';
import { makeBenchRelease } from '../../bench/make-release.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { decodeWithPil, hasPil } from '../support/pil.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const PROFILE = { archives: 3, images: 4, bytes: 20_000 };

async function md5Of(path: string): Promise<string> {
  return createHash('md5')
    .update(await readFile(path))
    .digest('hex');
}

async function imagesOf(path: string) {
  const images: { name: string; bytes: Buffer; packed: number }[] = [];
  const file = await openPromise(path);
  for await (const entry of file.eachEntry()) {
    const bytes = await buffer(await file.openReadStreamPromise(entry));
    images.push({ name: entry.fileName, bytes, packed: entry.compressedSize });
  }
  return images;
}

describe("the bench's release", () => {
  it('is made, found again, and made again where it is damaged', async () => {
    const work = await tempDir();
    const made = await makeBenchRelease({ ...PROFILE, work });
    expect(made.isNew).toBe(true);
    expect(made.archives.map(({ name }) => name)).toEqual([
      'ChestDx-1.zip',
      'ChestDx-2.zip',
      'ChestDx-3.zip',
    ]);
    const sums = await readFile(join(made.directory, 'md5sums.txt'), 'utf8');
    const manifest = await loadManifest(join(made.directory, 'manifest.json'));
    for (const { name, bytes, md5 } of made.archives) {
      const path = join(made.directory, name);
      expect((await stat(path)).size).toBe(bytes);
      expect(await md5Of(path)).toBe(md5);
      expect(sums).toContain(`${md5}  ${name}\n`);
      expect(manifest.files.find((file) => file.name === name)).toMatchObject({ bytes, md5 });
    }
    expect(sums.split('\n')).toHaveLength(4);

    const again = await makeBenchRelease({ ...PROFILE, work });
    expect(again).toEqual({ ...made, isNew: false });

    await truncate(join(made.directory, 'ChestDx-2.zip'), 100);
    expect(await makeBenchRelease({ ...PROFILE, work })).toEqual(made);
    expect(await md5Of(join(made.directory, 'ChestDx-2.zip'))).toBe(made.archives[1]!.md5);

    const other = await makeBenchRelease({ ...PROFILE, archives: 1, work });
    expect(other.directory).not.toBe(made.directory);
    expect(other.archives).toHaveLength(1);
  });

  it('holds images of about the size asked for, all different, that deflate can hardly shorten', async () => {
    const { directory, archives } = await makeBenchRelease({ ...PROFILE, work: await tempDir() });
    const images = (
      await Promise.all(archives.map(({ name }) => imagesOf(join(directory, name))))
    ).flat();
    expect(images).toHaveLength(12);
    for (const { bytes, packed } of images) {
      expect(Math.abs(bytes.length - PROFILE.bytes)).toBeLessThan(PROFILE.bytes * 0.1);
      expect(packed / bytes.length).toBeGreaterThan(0.9);
    }
    // Without their comments, too: the picture itself is each one's own.
    const scans = images.map(({ bytes }) => bytes.subarray(bytes.indexOf('\xff\xdb', 0, 'latin1')));
    expect(new Set(scans.map((scan) => scan.toString('latin1'))).size).toBe(12);
    if (!hasPil) return;
    const out = await tempDir();
    await writeTree(out, Object.fromEntries(images.map(({ name, bytes }) => [name, bytes])));
    const decoded = decodeWithPil(images.map(({ name }) => join(out, name)));
    const sizes = new Set(decoded.map(({ width, height, mode }) => `${width} ${height} ${mode}`));
    expect(sizes.size).toBe(1);
    expect(new Set(decoded.map(({ pixels }) => pixels.toString('latin1'))).size).toBe(12);
  });
});
