import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { openPromise } from 'yauzl';
import { loadManifest } from '../../src/manifest/load.ts';
import { parseCsv } from './csv.ts';
import { sizeOfJpeg } from './jpeg-segments.ts';
import { decodeWithPil, hasPil } from './pil.ts';
import { STAND_IN_ARCHIVES, makeChestStandIn, makeRealNames, makeStandIn } from './stand-in.ts';
import { useTempDirs, writeTree } from './temp-dirs.ts';

const DATA = resolve(import.meta.dirname, '../../../shared/data');
const PATHS = join(DATA, 'cc-cxri-p-paths.csv');
const present = existsSync(PATHS);
if (!present) console.warn(`SKIPPED: the list of CC-CXRI-P's paths is not here (${PATHS})`);

const tempDir = useTempDirs();

/** Every member of a zip that is no folder. */
async function membersOf(path: string): Promise<ReadonlyMap<string, Buffer>> {
  const file = await openPromise(path);
  const members = new Map<string, Buffer>();
  for await (const entry of file.eachEntry()) {
    if (entry.fileName.endsWith('/')) continue;
    members.set(entry.fileName, await buffer(await file.openReadStreamPromise(entry)));
  }
  return members;
}

describe('makeStandIn', () => {
  it('makes images that are all different, of the form that real ones have', async () => {
    const directory = await tempDir();
    const { manifestPath, manifest } = await makeStandIn(directory);
    expect(await loadManifest(manifestPath)).toEqual(manifest);
    const digests = new Set<string>();
    for (const { name } of STAND_IN_ARCHIVES) {
      for (const [path, bytes] of await membersOf(join(directory, `${name}.zip`))) {
        if (!path.endsWith('.jpg')) continue;
        digests.add(createHash('md5').update(bytes).digest('hex'));
        expect(sizeOfJpeg(bytes)).toEqual([64, 64]);
      }
    }
    expect(digests.size).toBe(31);
  });

  it.skipIf(!hasPil)('makes images that PIL decodes', async () => {
    const [directory, out] = [await tempDir(), await tempDir()];
    await makeStandIn(directory, { archives: [{ name: 'Viral-1', images: 9, imageSize: 72 }] });
    const members = await membersOf(join(directory, 'Viral-1.zip'));
    await writeTree(out, Object.fromEntries(members));
    const decoded = decodeWithPil([...members.keys()].map((name) => join(out, name)));
    expect(decoded).toHaveLength(9);
    for (const image of decoded) expect(image).toMatchObject({ width: 72, height: 72, mode: 'L' });
  });
});

describe('makeChestStandIn', () => {
  it('makes all archives that chest_dx.csv speaks of, and few images of each rare label', async () => {
    const { written, images, manifest } = await makeChestStandIn(await tempDir());
    expect(manifest.files).toHaveLength(75);
    expect(images).toHaveLength(74 * 30);
    for (const { name, bytes } of written.filter((file) => file.name.endsWith('.zip'))) {
      expect(bytes / 30, name).toBeGreaterThan(3900);
      expect(bytes / 30, name).toBeLessThan(4300);
    }
    const masses = images.filter(({ labels }) => labels.includes('Mass'));
    expect(masses.length / images.length).toBeCloseTo(0.011, 2);
  });
});

describe.skipIf(!present)('makeRealNames', () => {
  it('makes an archive of each folder of the list, with exactly its names', async () => {
    const directory = await tempDir();
    const published = await loadManifest();
    const { manifest, manifestPath, written } = await makeRealNames(directory, DATA, published);
    const found: string[] = [];
    for (const file of manifest.files.filter(({ kind }) => kind === 'archive')) {
      const members = await membersOf(join(directory, file.name));
      found.push(...[...members.keys()].map((name) => `${file.name.slice(0, -4)}/${name}`));
    }
    const listed = parseCsv(await readFile(PATHS, 'utf8')).map((row) => row['path']);
    expect(found.sort()).toEqual(listed.sort());
    expect(found).toHaveLength(7922);
    expect(await loadManifest(manifestPath)).toEqual(manifest);

    const labels = manifest.files.find(({ kind }) => kind === 'labels');
    expect(labels).toEqual(published.files.find(({ name }) => name === labels?.name));
    const bytes = written.reduce((sum, file) => sum + file.bytes, 0);
    expect(bytes).toBeLessThan(30_000_000);
  });
});
