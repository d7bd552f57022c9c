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
    expect(subsets.map((row) => ({ ...row, counts: undefined }))).toEqual([
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

  it('has what is known of the images, each number with its source', async () => {
    const { subsets } = listDataset(await loadManifest());
    const counts = new Map(subsets.map((row) => [row.subset, row.counts]));
    for (const row of counts.values()) expect(row?.source).toMatch(/rows|folders|sum/);
    expect(counts.get('chestdx-pe')).toMatchObject({ images: 42_402 });
    expect(counts.get('chestdx')).toMatchObject({
      images: 120_100,
      about: true,
      countedIn: 24_023,
    });
    const images = (name: string) => counts.get(name)?.images ?? 0;
    expect(images('normal') + images('viral') + images('other')).toBe(images('cc-cxri-p'));
    const classes = counts.get('cc-cxri-p')?.labels ?? [];
    expect(classes.reduce((sum, each) => sum + each.images, 0)).toBe(images('cc-cxri-p'));
    expect(counts.get('viral')?.labels).toEqual([{ label: 'COVID-19', images: 612 }]);
  });

  it('has the citation as BibTeX, made of the release where the manifest has none', async () => {
    const manifest = await loadManifest();
    const { citation, bibtex } = listDataset(manifest);
    for (const text of ['10.1038/s41551-021-00704-1', 'Nature Biomedical Engineering', '509']) {
      expect([citation, bibtex].filter((each) => each.includes(text))).toHaveLength(2);
    }
    expect(bibtex).toMatch(/^@article\{\w+,\n(?: {2}\w+ += \{.*\},?\n)+\}$/);
    const own = {
      ...manifest,
      bibtex: undefined,
      dataset: 'Lab_CXR {x}',
      version: '1',
      citation: 'A & B',
    };
    expect(listDataset(own).bibtex).toBe(
      [
        '@misc{lab-cxr-x-1,',
        '  title = {Lab\\_CXR x, version 1},',
        '  year  = {2021},',
        '  url   = {https://miracle.grmh-gdl.cn/chest_xray_ai/},',
        '  note  = {A \\& B}',
        '}',
      ].join('\n'),
    );
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
