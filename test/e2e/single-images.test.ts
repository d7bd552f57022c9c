import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { fromBufferPromise } from 'yauzl';
import { fetchDataset } from '../../src/fetch/fetch-dataset.ts';
import type { ChoiceLabel, ImageChoice } from '../../src/labels/image-choice.ts';
import { useByteCounter } from '../support/byte-counter.ts';
import { hasNginx, type NginxRequest, useNginx } from '../support/nginx.ts';
import { chestArchives } from '../../scripts/release/real-frequencies.ts';
import type { ReleaseImage } from '../../scripts/release/release-types.ts';
import { makeChestStandIn } from '../support/stand-in.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();
const byteCounter = useByteCounter();

function choiceOf(...labels: readonly ChoiceLabel[]): ImageChoice {
  return { labels, withoutLabels: [], seed: 'test' };
}

const has = (...labels: readonly string[]) => {
  return (image: ReleaseImage) => image.labels.some((label) => labels.includes(label));
};

const pathOf = ({ archive, name }: ReleaseImage) => `${archive}/${name}`;

/** What is below images/, without its folders. */
async function imagesIn(dest: string): Promise<readonly string[]> {
  const tree = await listTree(join(dest, 'images'));
  return tree.filter((path) => path.endsWith('.jpg'));
}

/** Neighbours among an archive's images that are all wanted count once. */
function runsOf(images: readonly ReleaseImage[], isWanted: (image: ReleaseImage) => boolean) {
  const runs = new Map<string, number>();
  for (const [at, image] of images.entries()) {
    const before = images[at - 1];
    const goesOn = before?.archive === image.archive && isWanted(before);
    if (isWanted(image) && !goesOn) runs.set(image.archive, (runs.get(image.archive) ?? 0) + 1);
  }
  return runs;
}

interface Member {
  readonly compressedBytes: number;
  readonly content: () => Promise<Buffer>;
}

interface Directory {
  readonly startByte: number;
  /** With the end record. */
  readonly bytes: number;
  /** By name, without folders. */
  readonly members: ReadonlyMap<string, Member>;
}

/** Read by a parser that has nothing to do with the product. */
async function directoryOf(path: string): Promise<Directory> {
  const zip = await readFile(path);
  const members = new Map<string, Member>();
  const file = await fromBufferPromise(zip);
  for await (const entry of file.eachEntry()) {
    members.set(entry.fileName.replace(/^.*\//, ''), {
      compressedBytes: entry.compressedSize,
      content: async () => buffer(await file.openReadStreamPromise(entry)),
    });
  }
  const startByte = zip.readUInt32LE(zip.length - 22 + 16);
  return { startByte, bytes: zip.length - startByte, members };
}

function readsDirectory({ range }: NginxRequest, { startByte }: Directory): boolean {
  const last = /^bytes=\d*-(\d*)$/.exec(range)?.[1] ?? '';
  return range.startsWith('bytes=-') || last === '' || Number(last) >= startByte;
}

const isArchive = ({ path }: NginxRequest) => path.endsWith('.zip');

it.skipIf(!hasNginx)(
  'fetches images by label out of 74 archives in few requests, and reads no directory a second time',
  async () => {
    const root = await tempDir();
    const { manifest, images } = await makeChestStandIn(root);
    const directories = new Map<string, Directory>();
    for (const { name, kind } of manifest.files) {
      if (kind === 'archive') directories.set(name, await directoryOf(join(root, name)));
    }
    const server = await nginx({ root });
    const dest = join(await tempDir(), 'data');
    const fetch = async (choice: ImageChoice) => {
      const before = (await server.requests()).length;
      const result = await fetchDataset({ dest, manifest, sources: [server.url], images: choice });
      expect(result.outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
      return (await server.requests()).slice(before).filter(isArchive);
    };
    const inArchive = (requests: readonly NginxRequest[], archive: string) =>
      requests.filter(({ path }) => path === `/${archive}.zip`);

    const wanted = has('Pneumonia', 'Infiltration');
    const first = await fetch(choiceOf('Pneumonia', 'Infiltration'));
    for (const [archive, runs] of runsOf(images, wanted)) {
      expect(inArchive(first, archive).length, archive).toBeLessThanOrEqual(runs + 3);
    }
    expect(await imagesIn(dest)).toEqual(images.filter(wanted).map(pathOf).sort());

    const more = (image: ReleaseImage) => has('Effusion')(image) && !wanted(image);
    const second = await fetch(choiceOf('Effusion'));
    const runs = runsOf(images, more);
    expect(runs.size).toBeGreaterThan(30);
    for (const [archive, count] of runs) {
      expect(inArchive(second, archive).length, archive).toBeLessThanOrEqual(count);
    }
    const isOfDirectory = (request: NginxRequest) => {
      const directory = directories.get(request.path.slice(1));
      return directory === undefined || readsDirectory(request, directory);
    };
    expect(second.filter(isOfDirectory)).toEqual([]);
    const all = images.filter(has('Pneumonia', 'Infiltration', 'Effusion')).map(pathOf);
    expect(await imagesIn(dest)).toEqual(all.sort());

    expect(await fetch(choiceOf('Effusion'))).toEqual([]);

    const isWanted = new Set(all);
    for (const [name, directory] of directories) {
      for (const [image, { content }] of directory.members) {
        const path = `${name.replace('.zip', '')}/${image}`;
        if (!isWanted.has(path)) continue;
        expect((await readFile(join(dest, 'images', path))).equals(await content()), path).toBe(
          true,
        );
      }
    }
  },
);

it.skipIf(!hasNginx)(
  'fetches not much more than the chosen members and the directories',
  async () => {
    const root = await tempDir();
    const [one, two] = chestArchives({ chest: 1200, pe: 1200 });
    const release = await makeChestStandIn(root, {
      archives: [
        { ...one!, method: 'store' },
        { ...two!, topFolder: true },
        { name: 'ChestDx_PE-1', images: 1200 },
      ],
      bytes: 16_000,
    });
    const server = await nginx({ root });
    const dest = join(await tempDir(), 'data');
    const { manifest, images } = release;
    const counter = await byteCounter(server);
    const labels = manifest.files.find(({ kind }) => kind === 'labels')?.bytes ?? 0;
    const choice = choiceOf('Mass', 'Emphysema');
    const result = await fetchDataset({ dest, manifest, sources: [counter.url], images: choice });
    expect(result.outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
    const chosen = images.filter(has('Mass', 'Emphysema'));
    expect(await imagesIn(dest)).toEqual(chosen.map(pathOf).sort());

    let budget = 0;
    for (const { name } of release.written.filter((file) => file.name.endsWith('.zip'))) {
      const directory = await directoryOf(join(root, name));
      const own = chosen.filter(({ archive }) => `${archive}.zip` === name);
      budget += directory.bytes;
      for (const image of own) budget += directory.members.get(image.name)!.compressedBytes;
    }
    expect(counter.bytes() - labels).toBeLessThanOrEqual(budget * 1.05);
    // Else the bytes were not counted.
    expect(counter.bytes() - labels).toBeGreaterThan(budget * 0.95);
  },
);
