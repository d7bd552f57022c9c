import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/command-table.ts';
import { answer } from '../../src/cli/complete-words.ts';
import { SHELLS } from '../../src/cli/shells.ts';
import {
  COMMAND_NAMES,
  OPTIONS,
  OPTION_KEYS,
  takesOption,
  wordsOf,
} from '../../src/cli/options.ts';
import { runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const NOWHERE = { cwd: '/', env: {} };

/** The kind of the answer, and its words. */
function askedFor(...words: readonly string[]): readonly string[] {
  const lines = answer(['bash', ...words], NOWHERE)
    .trimEnd()
    .split('\n');
  return lines.map((line) => line.split('\t')[0] ?? '');
}

describe('completion', () => {
  it.each([
    [['fe'], ['words', 'fetch']],
    [['FE'], ['words', 'fetch']],
    [
      ['fetch', '--subset', 'ch'],
      ['words', 'chestdx', 'chestdx-pe'],
    ],
    [
      ['--subset', 'viral', 'fetch', '--subset', 'vi'],
      ['words', 'viral'],
    ],
    [
      ['fetch', '--subset', 'chestdx,v'],
      ['words', 'chestdx,viral'],
    ],
    [['fetch', '--subset', 'viral,v'], ['words']],
    [
      ['fetch', '--subset', '=', 'vi'],
      ['words', 'viral'],
    ],
    [
      ['fetch', '--subset', '='],
      ['words', 'chestdx', 'chestdx-pe', 'cc-cxri-p', 'normal', 'viral', 'other', 'all'],
    ],
    [
      ['fetch', '--subset=vi'],
      ['words', '--subset=viral'],
    ],
    [
      ['fetch', '--subset=normal,vi'],
      ['words', '--subset=normal,viral'],
    ],
    [
      ['fetch', '--file', 'chestdx-1', '--file', 'viral-1'],
      ['words', 'Viral-1'],
    ],
    [
      ['query', '--label', 'no'],
      ['words', 'Nodule', 'No_Finding'],
    ],
    [
      ['query', '--without-label', 'Hernia,mas'],
      ['words', 'Hernia,Mass'],
    ],
    [
      ['split', '--holdout', 'norm'],
      ['words', 'normal'],
    ],
    [
      ['list', '--color', 'a'],
      ['words', 'auto', 'always'],
    ],
    [
      ['adopt', '--link', 'm'],
      ['words', 'move'],
    ],
    [['fetch', '--dest', 'x'], ['dirs']],
    [['fetch', '--dest=x'], ['dirs']],
    [['fetch', '--source', ''], ['files']],
    [['report', '-o', ''], ['files']],
    [['fetch', ''], ['dirs']],
    [['fetch', '--', '-'], ['dirs']],
    [['adopt', ''], ['files']],
    [
      ['export', 'web'],
      ['words', 'webdataset'],
    ],
    [
      ['completion', ''],
      ['words', ...SHELLS],
    ],
    [
      ['help', 'ex'],
      ['words', 'extract', 'export', 'exit-codes'],
    ],
    [['fetch', '--retries', ''], ['words']],
    [
      ['fetch', '-q', '--no-l'],
      ['words', '--no-labels'],
    ],
    [['--vers'], ['words', '--version']],
    [['nonsense', ''], ['words']],
    [
      ['nonsense', '--subset', 'vi'],
      ['words', 'viral'],
    ],
  ])('of %j is %j', (words, expected) => {
    expect(askedFor(...words)).toEqual(expected);
  });

  it.each(COMMAND_NAMES)('of %s offers its options, in its own words, and no others', (name) => {
    const lines = answer(['zsh', name, '-'], NOWHERE).trimEnd().split('\n').slice(1);
    const taken = OPTION_KEYS.filter((key) => takesOption(name, key));
    const expected = taken.map((key) => `${OPTIONS[key].long}\t${wordsOf(key, name).help}`);
    expect(lines).toEqual([...expected, '--help\tprint the help']);
    expect(answer(['fish', name.slice(0, -1)], NOWHERE)).toContain(
      `\n${name}\t${COMMANDS[name].summary}\n`,
    );
  });

  it('takes the names of the manifest that is typed, or that the directory keeps', async () => {
    const root = await tempDir();
    const file = { name: 'Lab-1.zip', subsets: ['lab-set'] };
    const hostile = {
      name: '$(touch pwned).zip',
      subsets: ['`x`', 'a b', 'a;b', 'a\u001b[2J', "'"],
    };
    const text = JSON.stringify({ files: [file, hostile, 7, { name: 3 }] });
    await mkdir(join(root, 'set/.ccxri'), { recursive: true });
    await writeFile(join(root, 'set/.ccxri/manifest.json'), text);
    await writeFile(join(root, 'lab.json'), text);
    await mkdir(join(root, 'set/images'));
    const at = (cwd: string, ...words: readonly string[]) =>
      answer(['bash', 'fetch', ...words], { cwd: join(root, cwd), env: {} });
    expect(at('set/images', '--subset', '')).toBe('words\nlab-set\nall\n');
    expect(at('.', '--dest', 'set', '--file', '')).toBe('words\nLab-1\n');
    expect(at('.', '--manifest=lab.json', '--file', '')).toBe('words\nLab-1\n');
    expect(at('.', '--file', 'lab')).toBe('words\n');
    await writeFile(join(root, 'lab.json'), '{"files": ');
    expect(at('.', '--manifest', 'lab.json', '--file', 'viral-1')).toBe('words\nViral-1\n');
  });

  it('knows an empty word of PowerShell, which would not arrive', () => {
    expect(answer(['powershell', 'fetch', '--subset', '=vi'], NOWHERE)).toBe('words\nviral\n');
    expect(answer(['powershell', 'completion', '='], NOWHERE)).toContain('\nfish\n');
  });

  it('answers nothing to nothing', () => {
    expect(answer([], NOWHERE)).toContain('words\nlist\t');
  });
});

describe('ccxri completion', () => {
  it.each(SHELLS)('prints a script for %s', async (shell) => {
    const { code, stdout } = await runCli(['completion', shell]);
    expect(code).toBe(0);
    expect(stdout).toContain(`ccxri __complete ${shell} `);
    expect(stdout).not.toMatch(/\beval\b|compgen -W/);
  });

  it.each([
    [[], 'takes the name of a shell'],
    [['zhs'], '`ccxri completion zsh`'],
    [['pwsh'], '`ccxri completion powershell`'],
  ])('%j is refused', async (argv, said) => {
    const { code, stderr } = await runCli(['completion', ...argv]);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });
});
