import { describe, expect, it } from 'vitest';
import { LABEL_COLUMNS } from '../../src/labels/label-names.ts';
import { INDEX_HEADER } from '../../src/labels/write.ts';
import { runCli } from '../support/run-cli.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

describe('`ccxri list`', () => {
  it('shows images and labels as far as they are known, within 80 columns', async () => {
    const { code, stdout } = await runCli(['list'], {
      columns: 80,
      env: { NO_COLOR: '1' },
    });
    expect(code).toBe(0);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toMatch(/^chestdx-pe +23 +about [\d.]+ GB +42,402 {2}chest_dx.csv$/m);
    expect(stdout).toMatch(/^chestdx: No_Finding 17,104, Pneumonia 3,114, .*/m);
    expect(stdout.replaceAll(/\n {2}/g, ' ')).toContain('Hernia 14, of 24,023 images counted\n');
    expect(stdout).toContain('viral: COVID-19 612 of 2,271 images\n');
    expect(stdout).toContain('10.1038/s41551-021-00704-1');
  });

  it('shows those of the selected subsets alone, with -v where the numbers are from', async () => {
    const { stdout } = await runCli(['list', '--subset', 'Viral', '-v']);
    expect(stdout).toContain(
      'viral: COVID-19 612 of 2,271 images (from the rows of viral_pneumonia_COVID-19.csv)\n',
    );
    expect(stdout).not.toContain('chestdx');
  });

  it('counts labels that the manifest does not count in the index of the dataset directory', async () => {
    const dest = await tempDir();
    const cells = LABEL_COLUMNS.map((label) => (label === 'Hernia' ? 1 : 0)).join(',');
    const row = `images/ChestDx_PE-1/a_0.jpg,a_0.jpg,ChestDx_PE-1,chestdx-pe,,a,${cells},,verified\n`;
    await writeTree(dest, { 'index.csv': `${INDEX_HEADER}\n${row}` });
    const { stdout } = await runCli(['list', '--dest', dest, '--subset', 'chestdx-pe']);
    expect(stdout).toContain('chestdx-pe: Hernia 1 of 1 images with labels in index.csv\n');
    const json = await runCli(['list', '--dest', dest, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      result: {
        subsets: [
          { subset: 'chestdx', counts: { countedIn: 24_023 } },
          { counts: { images: 42_402, countedIn: 1, labels: [{ label: 'Hernia', images: 1 }] } },
          {},
          {},
          {},
          {},
          {},
        ],
      },
    });
  });

  it('prints BibTeX and nothing else with --bibtex', async () => {
    const { code, stdout } = await runCli(['list', '--bibtex']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^@article\{wang2021chestxray,\n.*doi +\= \{10\.1038\/s41551-021-00704-1\}\n\}\n$/s,
    );
  });
});

describe('a label typed for a name', () => {
  it.each([
    ['fetch', 'covid', 'COVID-19 is a label of images in viral', '`ccxri fetch --label COVID-19`'],
    ['list', 'hernia', 'Hernia is a label of images in chestdx', '`ccxri fetch --label Hernia`'],
  ])(
    '%s %s: which subset has it, as a directory and as a subset',
    async (command, name, is, run) => {
      for (const argv of [[name], ['--subset', name], ['--file', name]]) {
        const { code, stderr, stdout } = await runCli([command, ...argv]);
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
        expect(stderr).toContain(is);
        expect(stderr).toContain(run);
      }
    },
  );
});

describe('a subset typed for a file', () => {
  it('names the option for it, and how to see the files of it', async () => {
    const { code, stderr } = await runCli(['fetch', '-n', '--file', 'Viral']);
    expect(code).toBe(2);
    expect(stderr).toContain('"viral" is a subset of CC-CXRI, not a file');
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(
      'add --subset viral instead of --file, or run `ccxri list --subset viral` to see its files',
    );
  });
});

describe.each([
  ['fetch', ['-n', '--json', '--dest', '/nonexistent/x']],
  ['list', []],
])('`ccxri %s --file`', (command, more) => {
  const plannedBy = async (...argv: readonly string[]) => {
    const { stdout } = await runCli([command, ...more, ...argv]);
    return [...new Set(stdout.match(/(?<=^|"file": ?")[\w-]+\.(?:zip|csv)/gm) ?? [])];
  };

  it.each([
    ['ChestDx-3', ['ChestDx-3.zip', 'chest_dx.csv']],
    ['ChestDx_PE-1', ['ChestDx_PE-1.zip', 'chest_dx.csv']],
    ['Viral-2', ['Viral-2.zip', 'viral_pneumonia_COVID-19.csv']],
    ['Normal-1', ['Normal-1.zip']],
    ['chest_dx.csv', ['chest_dx.csv']],
  ])('%s brings %j', async (file, files) => {
    expect(await plannedBy('--file', file)).toEqual(files);
  });

  it('brings no label file with --no-labels, but one that is named', async () => {
    expect(await plannedBy('--file', 'ChestDx-3', '--no-labels')).toEqual(['ChestDx-3.zip']);
    const viral = await plannedBy('--subset', 'viral', '--no-labels');
    expect(viral).toEqual(['Viral-1.zip', 'Viral-2.zip']);
    const named = ['--file', 'ChestDx-3,chest_dx.csv', '--no-labels'];
    expect(await plannedBy(...named)).toEqual(['ChestDx-3.zip', 'chest_dx.csv']);
  });
});
