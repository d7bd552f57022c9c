import { expect, it } from 'vitest';
import { FORMATS } from '../../src/export/formats.ts';
import { imagesOf, queueOf, targetIn } from '../support/export-target.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const PLACES = Array.from({ length: 40 }, (_, at) => `ChestDx-1/patient${at}_000.jpg`);

it.each([
  'webdataset',
  'imagefolder',
  'torchxrayvision',
  'monai',
  'parquet',
  'jsonl',
  'csv',
] as const)('%s gives the memory of every image back, once', async (format) => {
  const made = PLACES.map((place) => ({ place, bytes: randomBytes(100_000, place), labels: 1 }));
  const given: string[] = [];
  const images = imagesOf(made, undefined).map((image) => ({
    ...image,
    giveBack: () => {
      given.push(image.row.image);
      image.giveBack();
    },
  }));
  const exporter = (await FORMATS[format].load())({ withImages: true, shardBytes: 1e9 });
  await exporter.writeShard(queueOf(images), targetIn(await tempDir(), undefined));
  expect(given.sort()).toEqual(images.map(({ row }) => row.image).sort());
});
