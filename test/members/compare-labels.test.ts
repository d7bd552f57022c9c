import { expect, it } from 'vitest';
import type { ChestLabels, CovidLabels } from '../../src/labels/join.ts';
import { compareWithLabels, remarksOn } from '../../src/members/compare-labels.ts';

const FACTS = { rows: 1, repeated: { count: 0, examples: [] }, extraColumns: [] };
const CHEST: ChestLabels = {
  ...FACTS,
  file: 'chest_dx.csv',
  form: 'chest',
  byArchive: new Map([['ChestDx-1', new Map([['a.jpg', 1]])]]),
};
const COVID: CovidLabels = {
  ...FACTS,
  file: 'viral.csv',
  form: 'covid',
  byImage: new Map([['a.jpg', true]]),
};
const TABLES = { chest: [CHEST], covid: [COVID] };

it.each([
  ['ChestDx-1', ['chestdx'], ['a.jpg'], [], []],
  ['ChestDx-1', ['chestdx'], ['b.jpg'], ['b.jpg'], ['a.jpg']],
  ['ChestDx-2', ['chestdx'], ['a.jpg'], ['a.jpg'], []],
  ['Viral-1', ['cc-cxri-p', 'viral'], ['a.jpg', 'b.jpg'], ['b.jpg'], []],
  ['Viral-1', ['cc-cxri-p', 'viral'], [], [], []],
])('%s of %j with %j', (stem, subsets, images, imagesWithoutRow, rowsWithoutImage) => {
  const compared = compareWithLabels({ stem, subsets, images: new Set(images) }, TABLES);
  expect(compared).toMatchObject({ stem, imagesWithoutRow, rowsWithoutImage });
});

it('nothing is said of archives without rows, or where the label file is not here', () => {
  const normal = { stem: 'Normal-1', subsets: ['cc-cxri-p', 'normal'], images: new Set(['a.jpg']) };
  expect(compareWithLabels(normal, TABLES)).toBeUndefined();
  const chest = { stem: 'ChestDx-1', subsets: ['chestdx'], images: new Set(['a.jpg']) };
  expect(compareWithLabels(chest, { chest: [], covid: [COVID] })).toBeUndefined();
});

it('all of a kind and label file are one remark, with examples', () => {
  const images = Array.from({ length: 9 }, (_, n) => `${n}.jpg`);
  const each = (stem: string) => ({
    ...{ stem, file: 'chest_dx.csv', imagesWithoutRow: images, rowsWithoutImage: [] },
  });
  const [remark, ...others] = remarksOn([each('ChestDx-1'), each('ChestDx-2')]);
  expect(others).toEqual([]);
  expect(remark).toMatchObject({ kind: 'image-without-row', file: 'chest_dx.csv', count: 18 });
  expect(remark?.examples).toHaveLength(5);
});
