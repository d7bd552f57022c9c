import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../support/csv.ts';
import { type CliRun, documentOf, runCli } from '../support/run-cli.ts';
import { makeStandIn } from '../support/stand-in.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

async function makeProgram(): Promise<(...argv: readonly string[]) => Promise<CliRun>> {
  const root = await tempDir();
  const { directory, manifestPath } = await makeStandIn(join(root, 'release'));
  const where = ['--manifest', manifestPath, '--source', directory, '--dest', join(root, 'set')];
  return (...argv) => runCli(['query', ...where, ...argv], { cwd: root });
}

describe('ccxri query', () => {
  it('shows how many images there are, by label, subset and archive', async () => {
    const query = await makeProgram();
    const { code, stdout } = await query('--label', 'COVID-19', '--normals', '2');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d images of \d patients, and 2 controls in 2 archives\n\nlabel /);
    expect(stdout).toMatch(/^COVID-19 +\d$/m);
    expect(stdout).toMatch(/^cc-cxri-p +\d +\d +2$/m);
    expect(stdout).toMatch(/^Normal-4 +0 +0 +2$/m);
  });

  it('lists the images in the form that --images takes', async () => {
    const query = await makeProgram();
    const asked = ['--label', 'no finding,COVID-19', '--limit', '5'];
    const { stdout } = await query(...asked, '--list');
    const listed = stdout.trimEnd().split('\n');
    expect(listed).toHaveLength(5);
    for (const line of listed)
      expect(line).toMatch(/^(?:ChestDx|Viral)\S*-\d\/patient\d+_\d+\.jpg$/);
    const csv = parseCsv((await query(...asked, '--csv')).stdout);
    expect(csv.map((row) => `${row['archive'] ?? ''}/${row['image'] ?? ''}`)).toEqual(listed);
    for (const row of csv) {
      const isViral = row['class'] === 'COVID-19';
      expect([row['No_Finding'], row['COVID-19']]).toEqual(isViral ? ['', '1'] : ['1', '']);
      expect(row['control']).toBe('0');
    }
    const directory = await tempDir();
    for (const [name, text] of [
      ['list.txt', stdout],
      ['list.csv', (await query(...asked, '--csv')).stdout],
    ] as const) {
      const path = join(directory, name);
      await writeFile(path, text);
      expect((await query('--images', path, '--list')).stdout).toBe(stdout);
    }
  });

  it('says the same as JSON', async () => {
    const query = await makeProgram();
    const { stdout } = await query('--label', 'COVID-19', '--list', '--json');
    const { ok, counts, result } = documentOf(stdout);
    expect(ok).toBe(true);
    expect(counts).toMatchObject({ archives: 1, controls: 0, unknown: 0 });
    expect(result).toMatchObject({
      images: counts['images'],
      labels: [{ label: 'COVID-19', images: counts['images'] }],
      archives: [{ file: 'Viral-1.zip', subsets: ['cc-cxri-p', 'viral'] }],
    });
    expect(result).toHaveProperty('list.0.class', 'COVID-19');
  });

  it.each<[argv: readonly string[], says: string]>([
    [['--label', 'Herna'], 'there is no label "Herna". Did you mean "Hernia"?'],
    [['--label', 'Mass,No_Finding', '--all-labels'], 'no image is as the options say'],
    [['--patients', 'nothing.txt'], 'the list of patients nothing.txt is not there'],
    [[], 'say which images to look for'],
  ])('ends with code 2 where nothing is meant: %j', async (argv, says) => {
    const query = await makeProgram();
    const { code, stdout, stderr } = await query(...argv);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(says);
    expect(stderr).toContain('next: ');
  });

  it('warns of names in a list that are nowhere; with --strict that is code 8', async () => {
    const query = await makeProgram();
    const path = join(await tempDir(), 'ids.txt');
    const { stdout: names } = await query('--label', 'no finding', '--list');
    await writeFile(path, `${names.split('\n')[0] ?? ''}\npatient0_000.jpg\n`);
    const { code, stdout } = await query('--images', path);
    expect(code).toBe(0);
    expect(stdout).toContain(
      '1 image of the list not in the selection, or without a row in its label file:\n- patient0_000.jpg\n',
    );
    expect((await query('--images', path, '--strict')).code).toBe(8);
    const json = documentOf((await query('--images', path, '--json')).stdout);
    expect(json.result).toMatchObject({ images: 1, unknownImages: ['patient0_000.jpg'] });
  });

  it('fetches no image', async () => {
    const query = await makeProgram();
    const dest = join(await tempDir(), 'other');
    await query('--label', 'COVID-19', '--dest', dest);
    expect((await readdir(dest)).sort()).toEqual(['.ccxri', 'labels']);
  });
});
