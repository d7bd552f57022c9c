import { expect, test } from 'vitest';
import type { ImageChoice } from '../../src/labels/image-choice.ts';
import { labelFilesFor } from '../../src/labels/make-choice.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { selectFiles } from '../../src/manifest/manifest.ts';
import { choiceOf } from '../support/chosen-images.ts';

const manifest = await loadManifest();
const CHEST = 'chest_dx.csv';
const COVID = 'viral_pneumonia_COVID-19.csv';
const list = (...names: string[]) => new Set(names);

test.each<[string, Partial<ImageChoice>, subsets: string[], needed: string[]]>([
  ['a finding', { labels: ['Hernia'] }, ['all'], [CHEST]],
  ['COVID-19', { labels: ['COVID-19'] }, ['all'], [COVID]],
  ['both', { labels: ['COVID-19', 'Mass'] }, ['all'], [CHEST, COVID]],
  ['a number of a subset', { labels: [], limit: 3 }, ['chestdx'], [CHEST]],
  ['images by their names', { labels: [], images: list('a_000.jpg') }, ['all'], [CHEST, COVID]],
  ['images in archives', { labels: [], images: list('ChestDx-1/a_000.jpg') }, ['all'], [CHEST]],
  ['images in viral ones', { labels: [], images: list('Viral-2/a_000.jpg') }, ['all'], [COVID]],
  [
    'one in an archive of two',
    { labels: [], images: list('Viral-2/a_000.jpg', 'b_000.jpg') },
    ['all'],
    [CHEST, COVID],
  ],
  [
    'them or patients',
    { labels: [], images: list('Viral-2/a_000.jpg'), patients: list('b') },
    ['all'],
    [CHEST, COVID],
  ],
])('the label files that %s need', (_, choice, subsets, needed) => {
  const files = selectFiles(manifest, { subsets });
  const found = labelFilesFor(choiceOf(choice), files, manifest).map(({ name }) => name);
  expect(found.sort()).toEqual(needed.sort());
});
