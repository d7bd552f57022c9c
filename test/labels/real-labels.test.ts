import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { joinDataset } from '../../src/join.ts';
import { candidatesOf } from '../../src/labels/candidates.ts';
import { chooseImages } from '../../src/labels/choose-images.ts';
import { readLabelFile } from '../../src/labels/read.ts';
import { archiveFacts } from '../../src/labels/scan.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import type { Selection } from '../../src/manifest/manifest.ts';
import { parseCsv } from '../support/csv.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const DATA = resolve(import.meta.dirname, '../../../shared/data');
const COVID = 'viral_pneumonia_COVID-19.csv';
const LABELS = join(DATA, COVID);
const PATHS = join(DATA, 'cc-cxri-p-paths.csv');
const present = existsSync(LABELS) && existsSync(PATHS);
if (!present) {
  console.warn(`SKIPPED: the real label file and path list are not here (${LABELS}, ${PATHS})`);
}

const tempDir = useTempDirs();

async function realPaths(): Promise<readonly string[]> {
  return parseCsv(await readFile(PATHS, 'utf8')).map((row) => row['path'] ?? '');
}

/** Real names, empty files: the join never opens an image. */
async function realDataset(): Promise<string> {
  const dest = await tempDir();
  const files = (await realPaths()).map((path) => [`images/${path}`, ''] as const);
  await writeTree(dest, Object.fromEntries(files));
  await mkdir(join(dest, 'labels'));
  await copyFile(LABELS, join(dest, 'labels', COVID));
  return dest;
}

describe.skipIf(!present)('the real COVID-19 labels', () => {
  it('have 2,271 rows, 612 of them True', async () => {
    // Its header says what it is, whatever the manifest lets expect.
    const labels = await readLabelFile({ file: COVID, path: LABELS }, 'chest');
    assert(labels.form === 'covid');
    const tags = [...labels.byImage.values()];
    expect(labels).toMatchObject({ rows: 2271, repeated: { count: 0 }, extraColumns: [] });
    expect(tags.filter((covid) => covid)).toHaveLength(612);
    expect(tags.filter((covid) => !covid)).toHaveLength(1659);
  });

  it('choose 612 images of COVID-19 by the names in Viral-1 and Viral-2, with controls of Normal', async () => {
    const labels = await readLabelFile({ file: COVID, path: LABELS }, 'covid');
    assert(labels.form === 'covid');
    const members = new Map<string, string[]>();
    for (const path of await realPaths()) {
      const [stem = '', name = ''] = path.split('/');
      members.set(stem, [...(members.get(stem) ?? []), name]);
    }
    const tables = { chest: [], covid: [labels] };
    const archives = archiveFacts(await loadManifest());
    const choice = { labels: ['COVID-19' as const], withoutLabels: [], normals: 612, seed: '0' };
    const { images, controls } = chooseImages(candidatesOf({ archives, tables, members }), choice);
    const countIn = (stem: string) => images.filter(({ archive }) => archive === stem).length;
    expect([images.length, countIn('Viral-1'), countIn('Viral-2')]).toEqual([612, 351, 261]);
    expect(new Set(controls.map(({ group }) => group))).toEqual(new Set(['Normal']));
    expect(controls).toHaveLength(612);
  });

  it('make an index of all 7,921 images of CC-CXRI-P', async () => {
    const dest = await realDataset();
    const result = await joinDataset({ manifest: await loadManifest(), dest });
    expect(result).toMatchObject({
      rows: 7921,
      classes: { Normal: 3629, Viral: 1659, 'COVID-19': 612, Other: 2021, none: 0 },
      remarks: [
        {
          kind: 'stray-file',
          count: 1,
          examples: ['Normal-4/fab922a8-736e-4cb5-a666-4fd849a3049a.txt'],
          strict: false,
        },
      ],
      rowsOfAbsentArchives: 0,
      archives: [
        { file: 'Normal-1.zip', images: 953 },
        { file: 'Normal-2.zip', images: 893 },
        { file: 'Normal-3.zip', images: 864 },
        { file: 'Normal-4.zip', images: 919 },
        { file: 'Other-1.zip', images: 980 },
        { file: 'Other-2.zip', images: 1041 },
        { file: 'Viral-1.zip', images: 972 },
        { file: 'Viral-2.zip', images: 1299 },
      ],
    });

    const tags = new Map(
      parseCsv(await readFile(LABELS, 'utf8')).map((row) => [row['image'], row['COVID-19']]),
    );
    const paths = (await realPaths()).filter((path) => path.endsWith('.jpg'));
    const expected = paths.map((path) => {
      const [archive = '', image = ''] = path.split('/');
      const tag = tags.get(image);
      const viral = tag === 'True' ? 'COVID-19' : 'Viral';
      return {
        path: `images/${path}`,
        image,
        archive,
        subset: 'cc-cxri-p',
        class: archive.startsWith('Viral') ? viral : archive.replace(/-\d$/, ''),
        patient_id: image.replace(/_\d{3}\.jpg$/, ''),
        'COVID-19': tag === undefined ? '' : tag === 'True' ? '1' : '0',
        Mass: '',
        No_Finding: '',
      };
    });
    expected.sort((a, b) => (a.path < b.path ? -1 : 1));
    const index = parseCsv(await readFile(join(dest, 'index.csv'), 'utf8'));
    expect(index).toHaveLength(7921);
    expect(index).toMatchObject(expected);
    const inViral1 = index.filter((row) => row['archive'] === 'Viral-1' && row['COVID-19'] === '1');
    expect(inViral1).toHaveLength(351);
  });

  it('set the rows of Viral-2 apart while only Viral-1 is here', async () => {
    const dest = await realDataset();
    await rm(join(dest, 'images', 'Viral-2'), { recursive: true });
    const output = join(await tempDir(), 'viral.csv');
    const manifest = await loadManifest();
    const of = (selection: Selection) => joinDataset({ manifest, dest, output, selection });
    const classes = { 'COVID-19': 351, Viral: 621 };
    expect(await of({ subsets: ['viral'] })).toMatchObject({
      rows: 972,
      classes,
      rowsOfAbsentArchives: 1299,
    });
    // Nobody asked for Viral-2.
    expect(await of({ files: ['Viral-1'] })).toMatchObject({
      rows: 972,
      classes,
      rowsOfAbsentArchives: 0,
    });
  });
});
