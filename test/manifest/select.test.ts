import { describe, expect, it } from 'vitest';
import { loadManifest } from '../../src/manifest/load.ts';
import {
  findFile,
  isEmptySelection,
  selectFiles,
  subsetNames,
  type Selection,
} from '../../src/manifest/manifest.ts';
import { saying, nextSaying } from '../support/matchers.ts';

const manifest = await loadManifest();
const namesOf = (selection: Selection) => selectFiles(manifest, selection).map(({ name }) => name);
const errorOf = (selection: Selection): unknown => {
  try {
    return namesOf(selection);
  } catch (error) {
    return error;
  }
};

const VIRAL = ['Viral-1.zip', 'Viral-2.zip', 'viral_pneumonia_COVID-19.csv'];
const NORMAL = ['Normal-1.zip', 'Normal-2.zip', 'Normal-3.zip', 'Normal-4.zip'];

describe('subsets', () => {
  it('are those of the manifest, in its order, and all', () => {
    expect(subsetNames(manifest)).toEqual([
      'chestdx',
      'chestdx-pe',
      'cc-cxri-p',
      'normal',
      'viral',
      'other',
      'all',
    ]);
  });

  it.each(['viral', 'VIRAL', 'Viral', '_vi-ral'])(
    'are found whatever case, _ and -: %s',
    (typed) => {
      expect(namesOf({ subsets: [typed] })).toEqual(VIRAL);
    },
  );

  it.each([
    ['CHESTDX_PE', 24],
    ['chestdxpe', 24],
    ['chestdx', 52],
    ['CC_CXRI-p', 9],
    ['cccxrip', 9],
    ['other', 2],
    ['ALL', 84],
  ])('bring their labels, and no more: %s', (typed, files) => {
    expect(namesOf({ subsets: [typed] }).length).toBe(files);
  });

  it('that overlap give each file once, in the order of the manifest', () => {
    expect(namesOf({ subsets: ['viral', 'normal'] })).toEqual([...NORMAL, ...VIRAL]);
    expect(namesOf({ subsets: ['viral', 'viral'], files: ['viral-1', 'ChestDx-3'] })).toEqual([
      'ChestDx-3.zip',
      ...VIRAL,
    ]);
    expect(namesOf({ subsets: ['all', 'viral'] }).length).toBe(84);
  });

  it.each([
    ['chesdx', 'chestdx'],
    ['chestdx-ep', 'chestdx-pe'],
    ['virus', 'viral'],
    ['cc-cxri', 'cc-cxri-p'],
    ['normals', 'normal'],
  ])('with a typo get the nearest name: %s', (typed, nearest) => {
    expect(errorOf({ subsets: [typed] })).toMatchObject({
      code: 'unknown-subset',
      message: `there is no subset "${typed}" in CC-CXRI. Did you mean "${nearest}"?`,
      next: nextSaying('chestdx, chestdx-pe, cc-cxri-p, normal, viral, other, all'),
    });
  });

  it.each(['pneumothorax', '', 'x'.repeat(100_000), '\x1b[2J'])(
    '#159 that are like nothing get no guess',
    (typed) => {
      const error = errorOf({ subsets: [typed] });
      expect(error).toMatchObject({ code: 'unknown-subset', message: saying(/in CC-CXRI\.$/) });
      expect(String(error)).not.toContain('\x1b');
    },
  );
});

describe('files', () => {
  it.each(['ChestDx_PE-1', 'ChestDx_PE-1.zip', 'chestdx_pe-1', 'CHESTDX_PE-1.ZIP'])(
    'are found with or without .zip: %s',
    (typed) => {
      expect(namesOf({ files: [typed] })).toEqual(['ChestDx_PE-1.zip']);
    },
  );

  it.each([
    ['ChestDx22', 'ChestDx-22.zip'],
    ['ChestDx-PE-7', 'ChestDx_PE-7.zip'],
    ['chestdxpe_11.zip', 'ChestDx_PE-11.zip'],
    ['chestdx.csv', 'chest_dx.csv'],
  ])('are found with other dashes or none: %s', (typed, name) => {
    expect(namesOf({ files: [typed] })).toEqual([name]);
  });

  it('are not guessed where dashes distinguish two', () => {
    const [first] = manifest.files;
    if (first === undefined) throw new Error('an empty manifest');
    const files = ['A-11.zip', 'A-1-1.zip'].map((name) => ({ ...first, name }));
    expect(() => findFile({ ...manifest, files }, 'A11')).toThrow('there is no file "A11"');
    expect(findFile({ ...manifest, files }, 'a-1-1').name).toBe('A-1-1.zip');
  });

  it('are exactly the ones named: no labels with them, and no prefix of others', () => {
    expect(namesOf({ files: ['ChestDx-1'] })).toEqual(['ChestDx-1.zip']);
    expect(namesOf({ files: ['chest_dx.csv', 'Viral-1', 'viral-1.zip'] })).toEqual([
      'chest_dx.csv',
      'Viral-1.zip',
    ]);
    expect(findFile(manifest, 'other-2').name).toBe('Other-2.zip');
  });

  it.each([
    ['Vrial-2', 'Viral-2.zip'],
    ['chest_dx', 'chest_dx.csv'],
  ])('with a typo get the nearest name: %s', (typed, nearest) => {
    expect(errorOf({ files: [typed] })).toMatchObject({
      code: 'unknown-file',
      message: `there is no file "${typed}" in CC-CXRI. Did you mean "${nearest}"?`,
      next: nextSaying('ccxri list'),
    });
  });

  it.each(['covidx', '../Viral-1.zip/..', ''])(
    '#159 that are like nothing get no guess: %s',
    (typed) => {
      expect(errorOf({ files: [typed] })).toMatchObject({ code: 'unknown-file' });
      expect(String(errorOf({ files: [typed] }))).not.toContain('Did you mean');
    },
  );
});

it('knows an empty selection from one', () => {
  expect(isEmptySelection({})).toBe(true);
  expect(isEmptySelection({ subsets: [], files: [] })).toBe(true);
  expect(isEmptySelection({ files: ['x'] })).toBe(false);
  expect(isEmptySelection({ subsets: ['x'] })).toBe(false);
  expect(namesOf({})).toEqual([]);
});
