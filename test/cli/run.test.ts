import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StopRequest } from '../../src/cli/exit-codes.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { documentOf, eventsOf, runCli } from '../support/run-cli.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

/** Two images, one of them without a row where one was due. */
async function dataset(): Promise<string> {
  const dest = await tempDir();
  await writeTree(dest, {
    'labels/chest_dx.csv': lines(CHEST_HEADER, chestRow('patient1_000.jpg', 'ChestDx-1', 'Mass')),
    'images/ChestDx-1/patient1_000.jpg': '',
    'images/ChestDx-1/patient2_000.jpg': '',
    'images/Normal-1/patient3_000.jpg': '',
  });
  return dest;
}

describe('list', () => {
  it('shows the subsets with their sizes', async () => {
    const { code, stdout, stderr } = await runCli(['list']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^chestdx +51 +about 29\.9 GB +about 120,100 +chest_dx\.csv$/m);
    expect(stdout).toMatch(/^all +82 +about 45\.1 GB +about 170,400 +2 files$/m);
    expect(stdout).toContain('A GB is 1000 MB.');
  });

  it('shows the files of a selection with size and MD5, and which MD5 is disputed', async () => {
    const { stdout } = await runCli(['list', '--subset', 'viral', '--file', 'ChestDx-1']);
    expect(stdout).toMatch(/^ChestDx-1\.zip +about 601 MB +c5ef5205687caca0d4520372a522ec57$/m);
    expect(stdout).toMatch(/^Viral-1\.zip +about 165 MB +6a060d8bb142f835437c749831be9b10 \*$/m);
    expect(stdout).toMatch(/^\* Viral-1\.zip: the MD5 is disputed: /m);
    expect(stdout).not.toContain('Normal-1');
    for (const line of stdout.split('\n').filter((text) => !text.startsWith('*'))) {
      expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  it('names the nearest subset for a typo', async () => {
    const { code, stdout, stderr } = await runCli(['list', '--subset', 'chestdc']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Did you mean "chestdx"?');
  });

  it('describes another manifest', async () => {
    const path = join(await tempDir(), 'lab.json');
    const file = { name: 'A.zip', kind: 'archive', category: 'A', subsets: ['mine'] };
    const manifest = { manifestVersion: 1, dataset: 'Lab', version: '1', released: '2024-02-03' };
    const rest = { homepage: 'https://lab.example/', citation: '' };
    const files = [{ ...file, size: '2MB', md5: 'a'.repeat(32) }];
    await writeFile(path, JSON.stringify({ ...manifest, ...rest, files }));
    const { stdout } = await runCli(['list', '--manifest', path]);
    expect(stdout).toContain('Lab 1 (2024-02-03)');
    expect(stdout).toMatch(/^mine +1 +about 2 MB$/m);
    expect(stdout).toContain(`\`ccxri fetch --subset NAME --manifest ${path}\``);
    await writeFile(path, JSON.stringify({ ...manifest, ...rest, files: [{ ...file, md6: 1 }] }));
    const wrong = await runCli(['list', '--manifest', path]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain(path);
    expect(wrong.stderr).toContain('md6');
  });
});

describe('the forms of output', () => {
  it('#165 --json is one document, whatever came of the run', async () => {
    const good = await runCli(['list', '--json', '--file', 'Viral-2']);
    expect(documentOf(good.stdout)).toMatchObject({
      command: 'list',
      ok: true,
      exitCode: 0,
      counts: { files: 2 },
      errors: [],
      result: { files: [{ file: 'Viral-2.zip' }, { file: 'viral_pneumonia_COVID-19.csv' }] },
    });
    const dest = await dataset();
    const bad = await runCli(['join', '--json', '--strict', '--dest', dest]);
    const document = documentOf(bad.stdout);
    expect(document).toMatchObject({ command: 'join', ok: false, exitCode: 8 });
    expect(document.errors.map(({ code }) => code)).toEqual(['remarks']);
    expect(document.result).toMatchObject({ rows: 3 });
    expect(bad.code).toBe(8);
    const thrown = await runCli(['join', '--json', '--dest', `${dest}/nowhere`]);
    expect(documentOf(thrown.stdout)).toMatchObject({
      command: 'join',
      ok: false,
      exitCode: 5,
      result: null,
      errors: [{ code: 'missing' }],
    });
    const schema = Object.keys(documentOf(good.stdout));
    for (const run of [bad, thrown]) expect(Object.keys(documentOf(run.stdout))).toEqual(schema);
  });

  it('--json after a usage error is the same document', async () => {
    for (const argv of [
      ['--json', 'fetsh'],
      ['fetch', '--json', '--retries', 'x'],
    ]) {
      const { code, stdout } = await runCli(argv);
      expect(code).toBe(2);
      expect(documentOf(stdout)).toMatchObject({ ok: false, exitCode: 2 });
    }
    const set = await runCli(['fetsh'], { env: { CCXRI_JSON: 'yes' } });
    expect(documentOf(set.stdout)).toMatchObject({ command: null, exitCode: 2 });
    const after = await runCli(['manifest', '--', '--json', 'x']);
    expect(after).toMatchObject({ code: 2, stdout: '' });
  });

  it('--ndjson is events, one a line, and the last is the summary', async () => {
    const dest = await dataset();
    const { code, stdout, stderr } = await runCli(['join', '--ndjson', '--dest', dest]);
    const events = eventsOf(stdout);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(events.map(({ event }) => event)).toEqual(['warning', 'index-written', 'summary']);
    expect(events.at(-1)).toMatchObject({ command: 'join', exitCode: 0, counts: { rows: 3 } });
  });

  it('--ndjson ends with the summary after a failure and after a usage error too', async () => {
    for (const [argv, exitCode] of [
      [['join', '--ndjson', '--dest', '/nonexistent'], 5],
      [['--ndjson', 'list', '--nonsense'], 2],
      [['list', '--ndjson', '--subset', 'x'], 2],
      [['list', '--ndjson', '--manifest', '/nonexistent'], 2],
    ] as const) {
      const { code, stdout } = await runCli(argv);
      expect(code).toBe(exitCode);
      expect(eventsOf(stdout).at(-1)).toMatchObject({ event: 'summary', ok: false, exitCode });
    }
  });

  it('--quiet leaves out the talk, and neither results nor errors', async () => {
    const dest = await dataset();
    expect(await runCli(['join', '-q', '--dest', dest])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect((await runCli(['list', '-q'])).stdout).toContain('chestdx');
    expect((await runCli(['join', '-q', '--dest', '/nonexistent'])).stderr).toContain('error:');
  });

  it('#164 has no control characters where there is no live terminal', async () => {
    const dest = await dataset();
    const worlds = [
      {},
      { columns: 80, env: { CI: 'true', NO_COLOR: '1' } },
      { columns: 20, env: { TERM: 'dumb' } },
    ];
    for (const world of worlds) {
      for (const argv of [['join', '--dest', dest, '-v'], ['list'], ['fetsh'], ['help', 'fetch']]) {
        const { stdout, stderr } = await runCli(argv, world);
        expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]/u);
      }
    }
  });

  it('#164 is readable at 20 columns', async () => {
    const { stdout } = await runCli(['list', '--file', 'Viral-2'], { columns: 20 });
    expect(stdout).toMatch(/^Viral-2\.zip\n {2}size: about \d+ MB\n {2}MD5: [0-9a-f]{32}$/m);
  });

  it('has colours on a terminal, and with --color always', async () => {
    const dest = await dataset();
    const join = ['join', '--dest', dest];
    expect((await runCli(join, { columns: 80 })).stdout).toContain('\u001b[1mindex');
    expect((await runCli([...join, '--color', 'always'])).stdout).toContain('\u001b[1mindex');
    const never = await runCli([...join, '--color', 'never'], { columns: 80 });
    expect(never.stdout).not.toContain('\u001b');
  });

  it('#163 escapes what others wrote', async () => {
    const dest = await tempDir();
    const nasty = 'patient1\u001b]52;c;x\u0007\r\u202e_000.jpg';
    await writeTree(dest, {
      'labels/chest_dx.csv': lines(CHEST_HEADER, chestRow('patient9_000.jpg', 'ChestDx-1')),
      [`images/ChestDx-1/${nasty}`]: '',
      'images/\u001b[2Junknown/a.jpg': '',
    });
    for (const form of [[], ['-v'], ['--strict']]) {
      const { stdout, stderr } = await runCli(['join', '--dest', dest, ...form]);
      expect(stdout + stderr).toContain('patient1\\x1b]52;c;x\\x07\\x0d\\u202e_000.jpg');
      expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
    }
    const wrong = await runCli(['list', '--subset', '\u001b[2J', '--file', 'a\u202eb']);
    expect(wrong.stderr).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  });
});

describe('join', () => {
  it('writes the index, and reports what it holds and what does not add up', async () => {
    const dest = await dataset();
    const { code, stdout, stderr } = await runCli(['join', '--dest', dest]);
    expect(code).toBe(0);
    expect(stdout).toContain(`index  ${join(dest, 'index.csv')}: 3 rows, 2 archives\n`);
    expect(stdout).toMatch(/^images by class: Normal 1$/m);
    expect(stdout).not.toContain('without a class');
    expect(stdout).toMatch(/^images by label: /m);
    expect(stdout).toContain(
      '- 1 image without a row in chest_dx.csv (ChestDx-1/patient2_000.jpg)',
    );
    // Shown once: by the result, not by a warning as well.
    expect(stderr).not.toContain('without a row');
    const events = await runCli(['join', '--dest', dest, '--ndjson']);
    expect(eventsOf(events.stdout)).toContainEqual(
      expect.objectContaining({ event: 'warning', code: 'join-remark', formatVersion: 2 }),
    );
    expect((await runCli(['join', '--dest', dest, '--json'])).stderr).toContain(
      'warning: 1 image without a row in chest_dx.csv',
    );
    expect((await readFile(join(dest, 'index.csv'), 'utf8')).split('\n')).toHaveLength(5);
  });

  it('with --strict is code 8, and the index is written all the same', async () => {
    const dest = await dataset();
    const { code, stderr } = await runCli(['join', '--dest', dest, '--strict']);
    expect(code).toBe(8);
    expect(stderr).toContain('error: images and labels do not add up\n  - 1 image without a row');
    expect(await listTree(dest)).toContain('index.csv');
  });

  it('#166 with -n writes nothing', async () => {
    const dest = await dataset();
    const before = await listTree(dest);
    const { code, stdout, stderr } = await runCli(['join', '--dest', dest, '-n']);
    expect(code).toBe(0);
    expect(stdout).toContain('3 rows');
    expect(stdout).toContain('nothing was written');
    expect(stderr).not.toContain('written');
    expect(await listTree(dest)).toEqual(before);
  });

  it('suggests commands for the directory that was typed', async () => {
    const dest = await tempDir();
    const { code, stderr } = await runCli(['join', '--dest', dest]);
    expect(code).toBe(5);
    expect(stderr).toContain(`\`ccxri fetch --subset NAME --dest ${dest}\``);
    expect(stderr).toContain(`\`ccxri extract --dest ${dest}\``);
    const inWarning = await dataset();
    await writeTree(inWarning, { 'images/Viral-1/patient5_000.jpg': '' });
    const warned = await runCli(['join', '--dest', inWarning]);
    const line = `\`ccxri fetch --file viral_pneumonia_COVID-19.csv --dest ${inWarning}\``;
    const events = await runCli(['join', '--dest', inWarning, '--ndjson']);
    expect(events.stdout).toContain(line);
    expect(warned.stdout).toContain(line);
  });
});

describe('a run', () => {
  it('that is stopped ends with the code of the signal and says so in every form', async () => {
    const dest = await dataset();
    for (const [name, exitCode] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      const stop = new AbortController();
      stop.abort(new StopRequest(name));
      const run = await runCli(['join', '--dest', dest, '--ndjson'], { signal: stop.signal });
      expect(run.code).toBe(exitCode);
      expect(eventsOf(run.stdout).at(-1)).toMatchObject({
        event: 'summary',
        exitCode,
        errors: [{ code: 'aborted' }],
      });
      expect(run.stderr).toContain('run the same command again');
    }
  });

  it('warns of an unknown variable', async () => {
    const { code, stderr } = await runCli(['list'], { env: { CCXRI_SUBSETS: 'viral' } });
    expect(code).toBe(0);
    expect(stderr).toContain('CCXRI_SUBSETS is no variable of ccxri. Did you mean CCXRI_SUBSET?');
  });

  it('#167 with an unknown option is code 2 before anything is done', async () => {
    const dest = join(await tempDir(), 'made');
    for (const argv of [
      ['fetch', '--subset', 'viral', '--dest', dest, '--dleete-archives'],
      ['fetch', '--subset', 'viral', '--dest', dest, '-z'],
      ['fetch', '--dest', dest, '--', '--subset', 'viral'],
    ]) {
      const { code, stderr } = await runCli(argv);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error: .+\nnext: /s);
    }
    await expect(listTree(dest)).rejects.toThrow('ENOENT');
  });
});
