import { join } from 'node:path';
import { expect, it } from 'vitest';
import { finalPathOf, imagesPathOf, layoutOf } from '../../src/dataset/layout.ts';
import { stemOf } from '../../src/manifest/manifest.ts';

it('lies as the contract says, with all state below .ccxri', () => {
  const layout = layoutOf('cc-cxri');
  expect(finalPathOf(layout, { name: 'ChestDx-1.zip', kind: 'archive' })).toBe(
    join('cc-cxri', 'archives', 'ChestDx-1.zip'),
  );
  expect(finalPathOf(layout, { name: 'chest_dx.csv', kind: 'labels' })).toBe(
    join('cc-cxri', 'labels', 'chest_dx.csv'),
  );
  expect(imagesPathOf(layout, 'ChestDx-1.zip')).toBe(join('cc-cxri', 'images', 'ChestDx-1'));
  expect(layout.index).toBe(join('cc-cxri', 'index.csv'));
  const { partial, stage, ledger, lock, links, bad } = layout;
  for (const path of [partial, stage, ledger, lock, links, bad]) {
    expect(path.startsWith(join('cc-cxri', '.ccxri', ''))).toBe(true);
  }
});

it.each([
  ['ChestDx-1.zip', 'ChestDx-1'],
  ['ChestDx-1.ZIP', 'ChestDx-1'],
  ['a.zip.zip', 'a.zip'],
  ['chest_dx.csv', 'chest_dx.csv'],
])('%s is %s without its ending', (name, stem) => {
  expect(stemOf(name)).toBe(stem);
});
