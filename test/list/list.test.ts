import { describe, expect, it } from 'vitest';
import { listDataset } from '../../src/list.ts';
import { loadManifest } from '../../src/manifest/load.ts';

const MB = 1024 ** 2;

describe('listDataset', () => {
  it('counts the archives of every subset, with the labels that come with it and about its size', async () => {
    const { subsets } = listDataset(await loadManifest());
    const chest = 'chest_dx.csv';
    const covid = 'viral_pneumonia_COVID-19.csv';
    // Of the sums on the page: 28,535 + 12,989 + 852 + 323 + 279 MB, and the label files.
    const [chestBytes, covidBytes] = [11 * MB, 59_649];
    expect(subsets).toEqual([
      {
        subset: 'chestdx',
        archives: 51,
        labels: [chest],
        bytes: 28_535 * MB + chestBytes,
        about: true,
      },
      {
        subset: 'chestdx-pe',
        archives: 23,
        labels: [chest],
        bytes: 12_989 * MB + chestBytes,
        about: true,
      },
      {
        subset: 'cc-cxri-p',
        archives: 8,
        labels: [covid],
        bytes: 1454 * MB + covidBytes,
        about: true,
      },
      { subset: 'normal', archives: 4, labels: [], bytes: 852 * MB, about: true },
      { subset: 'viral', archives: 2, labels: [covid], bytes: 323 * MB + covidBytes, about: true },
      { subset: 'other', archives: 2, labels: [], bytes: 279 * MB, about: true },
      {
        subset: 'all',
        archives: 82,
        labels: [chest, covid],
        bytes: 42_978 * MB + chestBytes + covidBytes,
        about: true,
      },
    ]);
  });

  it('has every file where nothing is selected, else the selected ones', async () => {
    const manifest = await loadManifest();
    const { files } = listDataset(manifest);
    expect(files.map(({ file }) => file)).toEqual(manifest.files.map(({ name }) => name));
    expect(files.find(({ file }) => file === 'Viral-1.zip')).toMatchObject({
      subsets: ['cc-cxri-p', 'viral'],
      bytes: 157 * MB,
      about: true,
      published: '157MB',
    });
    expect(listDataset(manifest, { files: ['Viral-1'] }).files.map(({ file }) => file)).toEqual([
      'Viral-1.zip',
    ]);
    expect(() => listDataset(manifest, { subsets: ['x'] })).toThrow('no subset "x"');
  });

  it('says what the release is', async () => {
    expect(listDataset(await loadManifest())).toMatchObject({
      dataset: 'CC-CXRI',
      version: '2.0',
      released: '2021-03-21',
      homepage: 'https://miracle.grmh-gdl.cn/chest_xray_ai/',
    });
  });
});
