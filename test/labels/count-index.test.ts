import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { countIndex } from '../../src/labels/count-index.ts';
import type { IndexRow } from '../../src/labels/join.ts';
import { INDEX_HEADER, renderRow } from '../../src/labels/write.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const rowOf = (archive: string, image: string, change: Partial<IndexRow>) =>
  renderRow({
    path: `images/${archive}/${image}`,
    image,
    archive,
    subset: '',
    class: null,
    patientId: image,
    labels: null,
    covid: null,
    check: 'verified',
    ...change,
  });

const subsetsOf = (stem: string) => (stem === 'Viral-1' ? ['cc-cxri-p', 'viral'] : ['chestdx']);

async function counted(text: string) {
  const path = join(await tempDir(), 'index.csv');
  await writeFile(path, text);
  return Object.fromEntries(await countIndex(path, subsetsOf));
}

it('counts the labels of each subset, the most frequent first, in rows that have labels', async () => {
  const rows = [
    rowOf('ChestDx-1', 'a,"b".jpg', { labels: 1 << 7 }),
    rowOf('ChestDx-1', 'c.jpg', { labels: (1 << 7) | 1 }),
    rowOf('ChestDx-2', 'd.jpg', { labels: 0 }),
    rowOf('ChestDx-2', 'unknown.jpg', {}),
    rowOf('Viral-1', 'v.jpg', { covid: true, class: 'COVID-19' }),
    rowOf('Viral-1', 'w.jpg', { covid: false, class: 'Viral' }),
  ];
  const covid = { images: 2, labels: [{ label: 'COVID-19', images: 1 }] };
  const text = `${INDEX_HEADER}\n${rows.join('')}`;
  // As an earlier ccxri has written it.
  expect(await counted(text.replaceAll(/,(?:check|verified)$/gm, ''))).toEqual(await counted(text));
  // With splits as columns, one of them without a part.
  const split = text.replaceAll(/,check$/gm, ',check,split,cv');
  expect(await counted(split.replaceAll(/,verified$/gm, ',verified,,fold0'))).toEqual(
    await counted(text),
  );
  expect(await counted(text)).toEqual({
    chestdx: {
      images: 3,
      labels: [
        { label: 'Hernia', images: 2 },
        { label: 'Atelectasis', images: 1 },
      ],
    },
    'cc-cxri-p': covid,
    viral: covid,
  });
});

it.each(['', 'path,mine\nimages/ChestDx-1/a.jpg,1\n', `${INDEX_HEADER}\n`])(
  'finds nothing in what is no index, or empty: %j',
  async (text) => {
    expect(await counted(text)).toEqual({});
  },
);

it('finds nothing where there is no index', async () => {
  expect((await countIndex(join(await tempDir(), 'index.csv'), subsetsOf)).size).toBe(0);
  expect((await countIndex(await tempDir(), subsetsOf)).size).toBe(0);
});
