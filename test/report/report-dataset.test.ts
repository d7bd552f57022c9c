import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { joinDataset } from '../../src/join.ts';
import { CHOICE_LABELS } from '../../src/labels/image-choice.ts';
import { writeReport, writeReportBy } from '../../src/report/report-dataset.ts';
import { splitDataset } from '../../src/split/split-dataset.ts';
import { cellsOf, hasChromium, useBrowser, violationsOf } from '../support/browser.ts';
import { parseCsv } from '../support/csv.ts';
import { makeDataset, snapshot } from '../support/dataset.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const ALL = ['ChestDx-1', 'ChestDx-2', 'ChestDx_PE-1', 'Normal-4', 'Viral-1', 'Other-1'];

/** Everything that a report can show: two splits, one of which leaks, and remarks with odd names. */
async function makeFull() {
  const dataset = await makeDataset(await tempDir(), { extracted: ALL });
  const { root: dest, manifest, layout } = dataset;
  await joinDataset({ dest, manifest });
  await splitDataset({ dest, manifest });
  const csv = await readFile(join(dest, 'splits/split.csv'), 'utf8');
  const parts = ['train', 'test'];
  const leaking = csv.replace(/[^,\n]*$/gm, (part) =>
    part === '' ? '' : (parts.reverse()[0] ?? ''),
  );
  await writeTree(dest, {
    'splits/leaks.csv': leaking.replace(/^.*/, csv.slice(0, csv.indexOf('\n'))),
    'splits/notes<b>.csv': 'a,b\n1,2\n',
    'images/ChestDx-1/<img src=x onerror=alert(1)>.txt': 'stray',
  });
  const rows = parseCsv(await readFile(layout.index, 'utf8'));
  return { ...dataset, dest, rows };
}

describe('ccxri report', () => {
  it('writes report.html, and replaces it with --force alone', async () => {
    const { dest, release } = await makeFull();
    const where = ['--dest', dest, '--manifest', release.manifestPath];
    const first = await runCli(['report', ...where, '--json']);
    expect([first.code, first.stderr]).toEqual([0, '']);
    const { counts, result } = documentOf(first.stdout);
    const path = join(dest, 'report.html');
    const { length } = await readFile(path);
    expect(result).toMatchObject({ dest, path, bytes: length, archives: 6 });
    expect(result).toMatchObject({ splits: ['leaks', 'split'], notSplits: ['notes<b>.csv'] });
    expect(counts).toMatchObject({ images: 31, splits: 2, remarks: 2 });
    const before = await snapshot(dest);
    const second = await runCli(['report', ...where]);
    expect([second.code, second.stdout]).toEqual([3, '']);
    expect(second.stderr).toContain('report.html is there already');
    expect(second.stderr).toMatch(/next: add --force .*--output FILE/);
    expect(await snapshot(dest)).toEqual(before);
    const third = await runCli(['report', ...where, '--force']);
    expect([third.code, third.stderr]).toEqual([0, '']);
    expect(third.stdout).toMatch(
      /report\.html \(\d+ KB\): 31 images of \d+ patients, 2 splits, 2 remarks$/m,
    );
    expect(third.stdout).toContain('splits/notes<b>.csv is no split');
  });

  it('is the same page twice, of archives as of folders, but for how the images were checked', async () => {
    const [packed, extracted] = [
      await makeDataset(await tempDir()),
      await makeDataset(await tempDir(), { extracted: ALL }),
    ];
    const clock = {
      date: () => new Date(0),
      nowMs: () => 0,
      sleep: () => Promise.resolve(),
      random: () => 0,
    };
    const pageOf = async ({ root: dest, manifest }: typeof packed) => {
      const { path } = await writeReport({ dest, manifest, clock, force: true });
      return readFile(path, 'utf8');
    };
    const page = await pageOf(extracted);
    // Of an archive the image itself can't be opened.
    expect((await pageOf(packed)).replace(/<\/?a\b[^>]*>/g, '')).toBe(
      page.replace(/<\/?a\b[^>]*>/g, ''),
    );
    expect(await pageOf(extracted)).toBe(page);
  });

  it.each<[what: string, argv: readonly string[], code: number, says: string]>([
    ['no directory', ['report', 'nowhere'], 5, 'there is no dataset directory'],
    ['an unknown subset', ['report', '.', '--subset', 'chest'], 2, 'chestdx'],
  ])('ends with the code of what is wrong: %s', async (_, argv, code, says) => {
    const run = await runCli(argv, { cwd: await tempDir() });
    expect([run.code, run.stdout]).toEqual([code, '']);
    expect(run.stderr).toContain(says);
  });
});

function patientsWith(rows: readonly Readonly<Record<string, string>>[], label: string): number {
  const having = rows.filter((row) => row[label] === '1');
  return new Set(having.map((row) => row['patient_id'])).size;
}

/** Widths of the images on the contact sheet, once they are all there. */
function sizesOfImages(page: Page): Promise<number[]> {
  return page.evaluate(
    `Promise.all([...document.querySelectorAll('.sheet img')].map(async (image) => {
      await image.decode();
      return image.naturalWidth;
    }))`,
  );
}

describe.skipIf(!hasChromium)('the report in a browser', () => {
  const open = useBrowser();

  it('has the numbers of index.csv, and asks for nothing', async () => {
    const { dest, manifest, rows } = await makeFull();
    const { path } = await writeReport({ dest, manifest });
    const { page, requests, said } = await open(path);
    expect(said).toEqual([]);
    expect(requests).toHaveLength(1);
    const counts = await cellsOf(page, 'Images and patients with each finding');
    const labels = CHOICE_LABELS.map((label) => {
      const having = rows.filter((row) => row[label] === '1');
      const patients = new Set(having.map((row) => row['patient_id']));
      return [label.replace('_', ' '), String(having.length), String(patients.size)];
    });
    const shown = counts.map(([label, images, , patients]) => [label, images, patients]);
    expect(shown.sort()).toEqual(labels.filter(([, images]) => images !== '0').sort());
    const subsets = await cellsOf(page, 'Subsets');
    for (const [subset, images, patients, archives] of subsets.slice(0, 3)) {
      const of = rows.filter((row) => row['subset'] === subset);
      expect([images, patients, archives?.split(' ')[0]]).toEqual([
        ...[of.length, new Set(of.map((row) => row['patient_id'])).size].map(String),
        String(new Set(of.map((row) => row['archive'])).size),
      ]);
    }
    const split = parseCsv(await readFile(join(dest, 'splits/split.csv'), 'utf8'));
    for (const [part, images] of await cellsOf(page, 'Parts of split')) {
      expect(Number(images)).toBe(split.filter((row) => row['split'] === part).length);
    }
    await expect(page.getByText('No patient is in two parts.').count()).resolves.toBe(1);
    expect(
      await page.getByText(/patients? (?:is|are) in two parts or more: the split leaks/).count(),
    ).toBe(1);
    for (const [label, other, images] of await cellsOf(page, 'Images with two findings')) {
      const both = rows.filter((row) =>
        [label, other].every((each) => row[each?.replace(' ', '_') ?? ''] === '1'),
      );
      expect(Number(images)).toBe(both.length);
    }
    // What files are called is text in the page.
    expect(await page.getByText('<img src=x onerror=alert(1)>').count()).toBe(1);
    expect(await page.locator('img[src=x]').count()).toBe(0);
  });

  it('shows images of each finding as thumbnails, each a link to the image itself', async () => {
    const { dest, manifest, rows } = await makeFull();
    const path = join(await tempDir(), 'apart.html');
    const result = await writeReport({ dest, manifest, output: path, thumbnails: 2 });
    expect(result).toMatchObject({ path, hasThumbnails: true, unreadable: [] });
    const { page, requests, said } = await open(path);
    const images = page.locator('.sheet img');
    expect(await images.count()).toBe(result.sheetImages);
    for (const image of await images.all()) await image.scrollIntoViewIfNeeded();
    const sizes = await sizesOfImages(page);
    expect(Math.min(...sizes)).toBeGreaterThan(7);
    expect(requests.filter((url) => !url.startsWith('data:'))).toHaveLength(1);
    const hernia = page
      .getByRole('heading', { name: 'Hernia' })
      .locator('xpath=following::ul[1]')
      .locator('li');
    expect(await hernia.count()).toBe(Math.min(2, patientsWith(rows, 'Hernia')));
    const measured = await cellsOf(page, 'Width and height of these images');
    expect(measured.map(([subset]) => subset)).toEqual(['chestdx', 'chestdx-pe', 'cc-cxri-p']);
    const href = await hernia.first().getByRole('link').getAttribute('href');
    const image = new URL(href ?? '', page.url());
    expect(rows.map((row) => pathToFileURL(join(dest, row['path'] ?? '')).href)).toContain(
      image.href,
    );
    expect(said).toEqual([]);
  });

  it('shows images from where they lie without sharp, and names those in archives', async () => {
    const { root: dest, manifest } = await makeDataset(await tempDir(), {
      extracted: ['ChestDx-1'],
    });
    const nothing = () => Promise.resolve(undefined);
    const { path, hasThumbnails } = await writeReportBy({ dest, manifest }, nothing);
    expect(hasThumbnails).toBe(false);
    const { page } = await open(path);
    const images = page.locator('.sheet img');
    expect(await images.count()).toBeGreaterThan(0);
    for (const image of await images.all()) {
      expect(await image.getAttribute('src')).toMatch(/^images\/ChestDx-1\/\w+\.jpg$/);
      await image.scrollIntoViewIfNeeded();
    }
    const sizes = await sizesOfImages(page);
    expect(Math.min(...sizes)).toBeGreaterThan(7);
    expect(await page.locator('.sheet .none').first().innerText()).toBe('in its archive');
  });

  it('names images that can not be read or decoded, and shows the others', async () => {
    const { dest, manifest, layout, rows, release } = await makeFull();
    const [first] = rows;
    await writeFile(join(dest, first?.['path'] ?? ''), 'changed');
    await rm(join(layout.ledger, 'Other-1.members.json'));
    const other = rows.find((row) => row['archive'] === 'Other-1')?.['path'] ?? '';
    await writeFile(join(dest, other), 'no image');
    const { path, unreadable } = await writeReport({ dest, manifest });
    expect(unreadable.map((each) => each.path)).toEqual([first?.['path'], other]);
    expect(unreadable[0]?.why).toContain('is not as it was extracted');
    expect(unreadable[1]?.why).toContain('unsupported image format');
    const { page } = await open(path);
    const listed = await cellsOf(page, '2 picked images that could not be read or decoded');
    expect(listed.map(([image]) => image)).toEqual(unreadable.map((each) => each.path));
    expect(await page.locator('.sheet img').count()).toBeGreaterThan(5);
    const run = await runCli(['report', dest, '--force', '--manifest', release.manifestPath]);
    expect(run.stdout).toContain('2 images of its sample could not be read');
  });

  it('sorts a table by a click, and by the keyboard', async () => {
    const { root: dest, manifest } = await makeDataset(await tempDir());
    const { path } = await writeReport({ dest, manifest });
    const { page } = await open(path);
    const name = 'Images and patients with each finding';
    const written = await cellsOf(page, name);
    const table = page.getByRole('table', { name, exact: true });
    await table.getByRole('button', { name: 'finding' }).click();
    const byName = await cellsOf(page, name);
    expect(byName.map(([label]) => label)).toEqual(
      written.map(([label = '']) => label).sort((a, b) => a.localeCompare(b)),
    );
    await table.getByRole('button', { name: 'patients' }).focus();
    await page.keyboard.press('Enter');
    const largest = (await cellsOf(page, name)).map((row) => Number(row[3]));
    expect(largest).toEqual([...largest].sort((a, b) => b - a));
    await page.keyboard.press('Enter');
    const smallest = (await cellsOf(page, name)).map((row) => Number(row[3]));
    expect(smallest).toEqual([...largest].reverse());
    const sorted = table.locator('th[aria-sort]');
    expect(await sorted.count()).toBe(1);
    expect(await sorted.getAttribute('aria-sort')).toBe('ascending');
  });

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)('can be read by everyone: %s, %i wide', async (colorScheme, width) => {
    const { dest, manifest } = await makeFull();
    const { path } = await writeReport({ dest, manifest });
    const { page } = await open(path, { colorScheme, viewport: { width, height: 800 } });
    expect(await violationsOf(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
  });

  it('is light on paper, where nothing is cut off or scrolled', async () => {
    const { dest, manifest } = await makeFull();
    await splitDataset({ dest, manifest, name: 'cv', folds: 5 });
    const { path } = await writeReport({ dest, manifest });
    const { page } = await open(path, { viewport: { width: 740, height: 1000 } });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const wider = `[...document.querySelectorAll('body, .scroll, .sideways')]
      .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.ariaLabel ?? 'body')`;
    expect(await page.evaluate(wider)).toEqual([]);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(
      'rgb(255, 255, 255)',
    );
  });

  it('tells series apart without colours: by patterns and shapes', async () => {
    const { dest, manifest, layout } = await makeFull();
    await rm(join(layout.ledger, 'Viral-1.members.json'));
    const { path } = await writeReport({ dest, manifest });
    const { page } = await open(path);
    const fillsOf = async (id: string, from: string) => {
      const all = await page.locator(`svg[aria-labelledby=${id}] path[fill^="${from}"]`).all();
      return new Set(await Promise.all(all.map((each) => each.getAttribute('fill'))));
    };
    expect((await fillsOf('checks', 'url(')).size).toBe(2);
    // Images of cc-cxri-p and viral were not checked; no other subset has a bar of this color, but the legend.
    expect(await page.locator('svg[aria-labelledby=checks] path[fill="var(--s2)"]').count()).toBe(
      3,
    );
    const groups = await fillsOf('subsetsshares', 'var(--s');
    expect(groups.size).toBe(3);
    const forms = [...groups].map(async (fill) => {
      const shape = page.locator(`svg[aria-labelledby=subsetsshares] path[fill="${fill}"]`);
      return (await shape.first().getAttribute('d'))?.replace(/[^A-Z]/gi, '');
    });
    expect(new Set(await Promise.all(forms)).size).toBe(groups.size);
  });
});
