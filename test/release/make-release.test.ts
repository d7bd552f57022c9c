import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { fromBufferPromise } from 'yauzl';
import { parseManifest } from '../../src/manifest/load.ts';
import { isPlausibleSize } from '../../src/manifest/size.ts';
import { composeRelease, makeRelease } from '../../scripts/release/make-release.ts';
import type { ReleaseSpec } from '../../scripts/release/release-types.ts';
import { CHEST_HEADER, parseCsv } from '../support/csv.ts';
import { sizeOfJpeg } from '../support/jpeg-segments.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const SPEC: ReleaseSpec = {
  seed: 'test',
  archives: [
    { name: 'ChestDx-1', images: 40 },
    { name: 'ChestDx-12', images: 5, imageSize: 96, topFolder: true },
    { name: 'ChestDx_PE-2', images: 30, method: 'store' },
    { name: 'Normal-4', images: 4, strays: ['stray.txt'] },
    { name: 'Viral-1', images: 25 },
    { name: 'Other-1', images: 3 },
  ],
};

/** A release in memory. */
async function compose(changed: Partial<ReleaseSpec> = {}) {
  const files = new Map<string, Buffer>();
  const release = await composeRelease({ ...SPEC, ...changed }, async (name, chunks) => {
    files.set(name, await buffer(chunks));
  });
  return { ...release, files };
}

async function membersOf(zip: Buffer | undefined): Promise<ReadonlyMap<string, Buffer>> {
  const file = await fromBufferPromise(zip!);
  const members = new Map<string, Buffer>();
  for await (const entry of file.eachEntry()) {
    if (entry.fileName.endsWith('/')) continue;
    members.set(entry.fileName, await buffer(await file.openReadStreamPromise(entry)));
  }
  return members;
}

function rowsOf(file: Buffer | undefined) {
  return parseCsv(file!.toString());
}

describe('a release', () => {
  it('holds its images under the names of the dataset, decodable in form', async () => {
    const { files, images } = await compose();
    for (const { name, images: count, imageSize, topFolder, strays } of SPEC.archives) {
      const own = images.filter(({ archive }) => archive === name);
      const members = await membersOf(files.get(`${name}.zip`));
      const folder = topFolder === true ? `${name}/` : '';
      expect(own).toHaveLength(Number(count));
      expect([...members.keys()]).toEqual([
        ...own.map((image) => `${folder}${image.name}`),
        ...(strays ?? []),
      ]);
      for (const image of own) {
        expect(image.name).toMatch(/^patient\d{5,8}_\d{3}\.jpg$/);
        const size = imageSize ?? 64;
        expect(sizeOfJpeg(members.get(`${folder}${image.name}`)!)).toEqual([size, size]);
      }
    }
  });

  it('has several images of some patients, one each in CC-CXRI-P, and no patient twice', async () => {
    const { images } = await compose();
    expect(new Set(images.map(({ name }) => name)).size).toBe(images.length);
    const archivesOf = new Map<string, Set<string>>();
    const imagesOf = new Map<string, string[]>();
    for (const { archive, patient, name } of images) {
      archivesOf.set(patient, (archivesOf.get(patient) ?? new Set()).add(archive));
      imagesOf.set(patient, [...(imagesOf.get(patient) ?? []), name]);
    }
    expect([...archivesOf.values()].every((archives) => archives.size === 1)).toBe(true);
    for (const [patient, names] of imagesOf) {
      expect(names).toEqual(
        names.map((_, index) => `${patient}_${String(index).padStart(3, '0')}.jpg`),
      );
    }
    const several = [...imagesOf].filter(([, names]) => names.length > 1);
    const groups = new Set(several.flatMap(([patient]) => [...archivesOf.get(patient)!]));
    expect([...groups].sort()).toEqual(expect.arrayContaining(['ChestDx-1', 'ChestDx_PE-2']));
    expect([...groups].every((archive) => archive.startsWith('ChestDx'))).toBe(true);
  });

  it('has label files with the published headers, a row an image, that say what was drawn', async () => {
    const { files, images } = await compose();
    expect(files.get('chest_dx.csv')!.toString().split('\n')[0]).toBe(CHEST_HEADER);
    const chest = rowsOf(files.get('chest_dx.csv'));
    const drawn = images.filter(({ archive }) => archive.startsWith('ChestDx'));
    expect(chest).toHaveLength(75);
    for (const { name, archive, labels } of drawn) {
      const row = chest.find(({ image }) => image === name);
      const { image, zip, No_finding, ...cells } = row!;
      expect({ image, zip, No_finding }).toEqual({
        image: name,
        zip: archive,
        No_finding: labels.length === 0 ? '1' : '0',
      });
      const ones = Object.keys(cells).filter((column) => cells[column] === '1');
      expect(ones.sort()).toEqual([...labels].sort());
      expect(Object.values(cells).every((cell) => /^[01]$/.test(cell))).toBe(true);
    }
    expect(drawn.some(({ labels }) => labels.length === 0)).toBe(true);
    expect(drawn.some(({ labels }) => labels.length > 1)).toBe(true);

    const text = files.get('viral_pneumonia_COVID-19.csv')!.toString();
    expect(text.startsWith('image,COVID-19\n')).toBe(true);
    const viral = images.filter(({ archive }) => archive === 'Viral-1');
    const tags = new Map(rowsOf(Buffer.from(text)).map((row) => [row['image'], row['COVID-19']]));
    expect(tags).toEqual(new Map(viral.map(({ name, covid }) => [name, covid ? 'True' : 'False'])));
    expect(new Set(tags.values())).toEqual(new Set(['True', 'False']));
  });

  it('can speak of archives that it does not hold', async () => {
    const { files, absent } = await compose({
      labelsOnly: [
        { name: 'ChestDx-40', images: 3 },
        { name: 'Viral-2', images: 2 },
      ],
    });
    expect(absent).toHaveLength(5);
    const chest = rowsOf(files.get('chest_dx.csv'));
    expect(chest.filter(({ zip }) => zip === 'ChestDx-40')).toHaveLength(3);
    expect(rowsOf(files.get('viral_pneumonia_COVID-19.csv'))).toHaveLength(27);
    expect(files.has('ChestDx-40.zip')).toBe(false);
  });

  it('leaves out a label file that would have no row', async () => {
    const { files, manifest } = await compose({ archives: [{ name: 'Normal-1', images: 2 }] });
    expect([...files.keys()]).toEqual(['Normal-1.zip']);
    expect(manifest.files).toHaveLength(1);
  });

  it('refuses names that the dataset does not use', async () => {
    for (const name of ['ChestDx', 'Chest-1', 'ChestDx-0', 'Viral-1.zip']) {
      await expect(compose({ archives: [{ name, images: 1 }] })).rejects.toThrow(RangeError);
    }
  });

  it('is the same for a seed, and different for another', async () => {
    const [one, again, other] = await Promise.all([compose(), compose(), compose({ seed: 'x' })]);
    expect(again.files).toEqual(one.files);
    expect(again.manifest).toEqual(one.manifest);
    expect(other.written.map(({ md5 }) => md5)).not.toEqual(one.written.map(({ md5 }) => md5));
  });

  it('is stopped by a signal', async () => {
    const controller = new AbortController();
    const names: string[] = [];
    const composing = composeRelease(
      SPEC,
      async (name, chunks) => {
        names.push(name);
        await buffer(chunks);
        controller.abort();
      },
      controller.signal,
    );
    await expect(composing).rejects.toMatchObject({ code: 'aborted' });
    expect(names).toEqual(['ChestDx-1.zip']);
  });
});

describe("a release's manifest", () => {
  it('passes as one, and says of each file what is true', async () => {
    const { manifest, files } = await compose({ homepage: 'http://127.0.0.1:8080/' });
    expect(parseManifest(JSON.stringify(manifest))).toEqual(manifest);
    expect(manifest.homepage).toBe('http://127.0.0.1:8080/');
    expect(manifest.files.map(({ name }) => name)).toEqual([
      'ChestDx-1.zip',
      'ChestDx-12.zip',
      'ChestDx_PE-2.zip',
      'chest_dx.csv',
      'Normal-4.zip',
      'Viral-1.zip',
      'viral_pneumonia_COVID-19.csv',
      'Other-1.zip',
    ]);
    for (const { name, md5, bytes, size } of manifest.files) {
      const content = files.get(name)!;
      expect(md5).toBe(createHash('md5').update(content).digest('hex'));
      expect(bytes).toBe(content.length);
      expect(isPlausibleSize({ size }, content.length)).toBe(true);
    }
  });

  it('agrees with the bundled one on category, subsets and kind', async () => {
    const bundled = parseManifest(await readFile('manifests/cc-cxri.json', 'utf8'));
    const { manifest } = await compose();
    for (const { name, category, subsets, kind } of manifest.files) {
      expect({ name, category, subsets, kind }).toEqual({
        ...pick(bundled.files.find((file) => file.name === name)!),
        name,
      });
    }
    function pick({ category, subsets, kind }: (typeof bundled.files)[number]) {
      return { category, subsets, kind };
    }
  });

  it('can know rounded sizes only', async () => {
    const { manifest } = await compose({ exactBytes: false });
    expect(manifest.files.every((file) => !('bytes' in file))).toBe(true);
  });

  it.each(['Viral-1', 'Other-1', 'neither'] as const)(
    'can publish one MD5 for two files: that of %s',
    async (doubledMd5) => {
      const plain = await compose();
      const { manifest, written } = await compose({ doubledMd5 });
      expect(written).toEqual(plain.written);
      const twins = manifest.files.filter((file) => file.md5Disputed !== undefined);
      expect(twins.map(({ name }) => name)).toEqual(['Viral-1.zip', 'Other-1.zip']);
      const [one, other] = twins.map(({ md5 }) => md5);
      expect(one).toBe(other);
      const truly = written.filter(({ md5 }) => md5 === one).map(({ name }) => name);
      expect(truly).toEqual(doubledMd5 === 'neither' ? [] : [`${doubledMd5}.zip`]);
      const rest = (files: typeof manifest.files) =>
        files.filter(({ name }) => !/^(?:Viral|Other)-1/.test(name));
      expect(rest(manifest.files)).toEqual(rest(plain.manifest.files));
    },
  );
});

describe('makeRelease', () => {
  it('writes all of it into a directory, with page and manifest beside', async () => {
    const directory = join(await tempDir(), 'new', 'release');
    const release = await makeRelease({ ...SPEC, directory });
    const names = release.manifest.files.map(({ name }) => name);
    expect(await listTree(directory)).toEqual([...names, 'index.html', 'manifest.json'].sort());
    const { files } = await compose();
    for (const name of names)
      expect(await readFile(join(directory, name))).toEqual(files.get(name));
    expect(parseManifest(await readFile(join(directory, 'manifest.json'), 'utf8'))).toEqual(
      release.manifest,
    );
    expect(await readFile(join(directory, 'index.html'), 'utf8')).toBe(release.page);
  });

  it('says where it could not write', async () => {
    const directory = join(await tempDir(), 'release');
    await makeRelease({ ...SPEC, archives: [], directory });
    const occupied = join(directory, 'manifest.json');
    await expect(
      makeRelease({ ...SPEC, archives: [], directory: join(occupied, 'below') }),
    ).rejects.toMatchObject({ code: 'not-writable' });
    await expect(makeRelease({ ...SPEC, archives: [], directory: occupied })).rejects.toMatchObject(
      {
        code: 'occupied',
        facts: { path: occupied },
      },
    );
  });
});
