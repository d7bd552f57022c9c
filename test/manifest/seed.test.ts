import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadManifest } from '../../src/manifest/load.ts';

const SEEDS = new URL('../../../shared/seeds/', import.meta.url);
const isHere = existsSync(SEEDS);
if (!isHere)
  console.warn("skipped: ../shared/seeds/ is not here, the page's table is not compared");

interface Row {
  readonly category: string;
  /** Of label files alone. */
  readonly name: string | undefined;
  readonly size: string;
  readonly md5: string;
}

/** The table of the dataset's page, as its text survived: nothing of it is known to the manifest. */
function readTable(): readonly Row[] {
  const [name = ''] = readdirSync(SEEDS).filter((each) => each.startsWith('000_'));
  const text = readFileSync(new URL(name, SEEDS), 'utf8');
  const start = text.indexOf('Category File Size MD5 summary Link');
  const table = text.slice(start, text.indexOf('Change log', start));
  const rows: Row[] = [];
  let category = '';
  let rest = table.slice('Category File Size MD5 summary Link'.length);
  for (;;) {
    const match = /^\s*(.*?)\s*(\d+(?:GB|MB|K)) ([0-9a-f]{32}) download/s.exec(rest);
    if (match === null) break;
    const [whole, before = '', size = '', md5 = ''] = match;
    rest = rest.slice(whole.length);
    const isLabels = before.endsWith('.csv');
    if (before !== '' && !isLabels) category = before;
    rows.push({ category, name: isLabels ? before : undefined, size, md5 });
  }
  if (rest.trim() !== '') throw new Error(`not read: ${rest.slice(0, 100)}`);
  return rows;
}

/** How the page's categories are called in file names. */
const STEMS: Readonly<Record<string, string>> = {
  ChestDx: 'ChestDx',
  ChestDx_PE: 'ChestDx_PE',
  'Normal controls': 'Normal',
  'Viral pneumonia': 'Viral',
  'Other pneumonia': 'Other',
};

const SUBSETS: Readonly<Record<string, readonly string[]>> = {
  ChestDx: ['chestdx'],
  ChestDx_PE: ['chestdx-pe'],
  Normal: ['cc-cxri-p', 'normal'],
  Viral: ['cc-cxri-p', 'viral'],
  Other: ['cc-cxri-p', 'other'],
};

describe.skipIf(!isHere)("the bundled manifest and the dataset's page", () => {
  it('agree in every row: category, number, size and MD5', async () => {
    const numbers = new Map<string, number>();
    const expected = readTable().map(({ category, name, size, md5 }) => {
      if (name !== undefined) return { name, kind: 'labels', category: 'labels', size, md5 };
      const n = (numbers.get(category) ?? 0) + 1;
      numbers.set(category, n);
      return { name: `${STEMS[category] ?? ''}-${n}.zip`, kind: 'archive', category, size, md5 };
    });
    const { files } = await loadManifest();
    const actual = files.map(({ name, kind, category, size, md5 }) => ({
      name,
      kind,
      category,
      size,
      md5,
    }));
    expect(actual).toEqual(expected);
    expect(Object.fromEntries(numbers)).toEqual({
      ChestDx: 51,
      ChestDx_PE: 23,
      'Normal controls': 4,
      'Viral pneumonia': 2,
      'Other pneumonia': 2,
    });
  });

  it('agree on the one MD5 that appears twice, which is disputed on both files and on no other', async () => {
    const md5s = readTable().map(({ md5 }) => md5);
    const twice = md5s.filter((md5, i) => md5s.indexOf(md5) !== i);
    expect(twice).toEqual(['6a060d8bb142f835437c749831be9b10']);
    const { files } = await loadManifest();
    const disputed = files.filter(({ md5Disputed }) => md5Disputed !== undefined);
    expect(disputed.map(({ name }) => name)).toEqual(['Viral-1.zip', 'Other-1.zip']);
    expect(files.filter(({ md5 }) => twice.includes(md5))).toEqual(disputed);
  });
});

describe('the bundled manifest', () => {
  it('gives every archive its subsets, and the label files those that need them', async () => {
    const { files } = await loadManifest();
    const subsets = Object.fromEntries(files.map((file) => [file.name, file.subsets]));
    for (const { name } of files.filter(({ kind }) => kind === 'archive')) {
      expect([name, subsets[name]]).toEqual([name, SUBSETS[name.replace(/-\d+\.zip$/, '')]]);
    }
    expect(subsets['chest_dx.csv']).toEqual(['chestdx', 'chestdx-pe']);
    expect(subsets['viral_pneumonia_COVID-19.csv']).toEqual(['cc-cxri-p', 'viral']);
  });

  it('knows one exact size, and no addresses', async () => {
    const { files } = await loadManifest();
    const exact = files.filter(({ bytes }) => bytes !== undefined);
    expect(exact.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['viral_pneumonia_COVID-19.csv', 59_649],
    ]);
    expect(files.filter(({ url }) => url !== undefined)).toEqual([]);
  });
});
