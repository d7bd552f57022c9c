import { chmod, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONFIG_NAME } from '../../src/cli/config-places.ts';
import { layersOf, nameOf } from '../../src/cli/config-policy.ts';
import type { ConfigResult, SettingRow } from '../../src/cli/config-types.ts';
import { OPTION_KEYS } from '../../src/cli/options.ts';
import { type CliRun, type CliWorld, documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

interface Desk {
  readonly cwd: string;
  readonly userFile: string;
  readonly projectFile: string;
  readonly run: (argv: readonly string[], env?: CliWorld['env']) => Promise<CliRun>;
}

/** A directory to work in, and a home; with these files of settings. */
async function makeDesk(project?: unknown, user?: unknown): Promise<Desk> {
  const root = await tempDir();
  const [cwd, home] = [join(root, 'work'), join(root, 'home')];
  const userFile = join(home, '.config/ccxri', CONFIG_NAME);
  const projectFile = join(cwd, CONFIG_NAME);
  for (const path of [userFile, projectFile]) await mkdir(dirname(path), { recursive: true });
  if (project !== undefined) await writeFile(projectFile, toText(project), { mode: 0o644 });
  if (user !== undefined) await writeFile(userFile, toText(user), { mode: 0o644 });
  const run: Desk['run'] = (argv, env = {}) => runCli(argv, { cwd, env: { HOME: home, ...env } });
  return { cwd, userFile, projectFile, run };
}

const toText = (value: unknown) =>
  typeof value === 'string' ? value : JSON.stringify(value, undefined, 2);

async function settingsOf(
  { run }: Desk,
  argv: readonly string[] = [],
  env: CliWorld['env'] = {},
): Promise<(option: string) => Pick<SettingRow, 'value' | 'from' | 'where'> | undefined> {
  const { stdout, code, stderr } = await run(['config', '--json', ...argv], env);
  expect(code, stderr).toBe(0);
  const { settings } = documentOf(stdout).result as ConfigResult;
  return (option) => {
    const row = settings.find((each) => each.option === option);
    return row === undefined ? undefined : { value: row.value, from: row.from, where: row.where };
  };
}

describe('settings', () => {
  it('come from the command line, then variables, the project, the user, and the defaults', async () => {
    const user = { color: 'never', retries: 1, timeout: 2, concurrency: 3, 'limit-rate': '4M' };
    const project = { timeout: 20, 'limit-rate': '40M' };
    const desk = await makeDesk({ ...project, retries: 5 }, user);
    const of = await settingsOf(desk, ['--color', 'always'], {
      CCXRI_RETRIES: '6',
      CCXRI_TIMEOUT: '',
    });
    const { userFile, projectFile } = desk;
    expect(of('color')).toEqual({ value: 'always', from: 'flag', where: null });
    expect(of('retries')).toEqual({ value: '6', from: 'variable', where: 'CCXRI_RETRIES' });
    expect(of('timeout')).toEqual({ value: '20', from: 'project', where: projectFile });
    expect(of('quality')).toEqual({ value: 90, from: 'default', where: null });
    expect((await settingsOf(await makeDesk(undefined, user)))('timeout')?.from).toBe('user');
    const text = await desk.run(['config']);
    expect(text.stdout).toMatch(
      new RegExp(`^limit-rate +40M +project's file ${projectFile}$`, 'm'),
    );
    expect(text.stdout).toMatch(new RegExp(`^user's file +${userFile} +read$`, 'm'));
  });

  it('are what a run goes by', async () => {
    const desk = await makeDesk({ subset: ['viral'], verbose: true }, { 'no-labels': true });
    const filesOf = async (argv: readonly string[], env: CliWorld['env'] = {}) => {
      const { stdout } = await desk.run(['list', '--json', ...argv], env);
      return documentOf(stdout).counts['files'];
    };
    const byFiles = await filesOf([]);
    expect(byFiles).toBe(await filesOf(['--subset', 'viral', '--no-labels']));
    expect(await filesOf([], { CCXRI_NO_LABELS: '0' })).toBeGreaterThan(byFiles ?? 99);
    expect(await filesOf(['--subset', 'chestdx'])).toBeGreaterThan(byFiles ?? 99);
  });

  it('give way to a rival that counts more', async () => {
    const desk = await makeDesk({ quiet: true }, { verbose: true });
    expect((await settingsOf(desk))('verbose')).toMatchObject({ from: 'default' });
    expect((await settingsOf(desk, ['-v']))('quiet')).toMatchObject({ from: 'default' });
    const both = await makeDesk({ quiet: true, verbose: true });
    const { code, stderr } = await both.run(['list']);
    expect(code).toBe(2);
    expect(stderr).toContain(`"quiet" in ${both.projectFile} and "verbose" in`);
  });

  it('of a project lie beside the dataset directory, of which no part holds any', async () => {
    const desk = await makeDesk({ retries: 1 });
    const dataset = join(desk.cwd, 'set');
    await mkdir(join(dataset, '.ccxri/ledger'), { recursive: true });
    await mkdir(join(dataset, 'images'), { recursive: true });
    for (const where of [dataset, join(dataset, 'images')]) {
      await writeFile(join(where, CONFIG_NAME), '{"retries": 7}');
      for (const argv of [[], ['--dest', dataset]]) {
        const { stdout } = await runCli(['config', '--json', ...argv], { cwd: where });
        const { files, settings } = documentOf(stdout).result as ConfigResult;
        expect(files).toEqual([{ layer: 'project', path: desk.projectFile, status: 'read' }]);
        expect(settings.find(({ option }) => option === 'retries')?.value).toBe('1');
      }
    }
    const far = await runCli(['config', dataset, '--json'], { cwd: await tempDir() });
    expect(documentOf(far.stdout).result).toMatchObject({ files: [{ path: desk.projectFile }] });
  });

  it('have their paths from where the file is', async () => {
    const desk = await makeDesk(
      { dest: 'data/set', source: ['mirror', '/mnt/x', 'https://a.example/x/'] },
      { manifest: 'lab.json' },
    );
    const of = await settingsOf(desk);
    expect(of('dest')?.value).toBe(join(desk.cwd, 'data/set'));
    expect(of('source')?.value).toEqual([
      ...[join(desk.cwd, 'mirror'), '/mnt/x', 'https://a.example/x/'],
    ]);
    expect(of('manifest')?.value).toBe(join(dirname(desk.userFile), 'lab.json'));
    // Where the user is counts more than a file.
    const inside = join(desk.cwd, 'other');
    await mkdir(join(inside, '.ccxri/ledger'), { recursive: true });
    const found = await runCli(['config', '--json'], { cwd: inside });
    const { dest, settings } = documentOf(found.stdout).result as ConfigResult;
    expect(dest).toBe(inside);
    expect(settings.find(({ option }) => option === 'dest')?.from).toBe('directory');
  });

  it('of the user lie where XDG_CONFIG_HOME says, or APPDATA', async () => {
    const root = await tempDir();
    await mkdir(join(root, 'ccxri'));
    await writeFile(join(root, 'ccxri', CONFIG_NAME), '\ufeff{"retries": 3}\r\n');
    for (const env of [{ XDG_CONFIG_HOME: root }, { APPDATA: root, XDG_CONFIG_HOME: 'relative' }]) {
      const of = await settingsOf(await makeDesk(), [], env);
      expect(of('retries')).toMatchObject({ value: '3', from: 'user' });
    }
  });

  it('that are secret, or hold a password, are not shown', async () => {
    const user = {
      header: ['Authorization: Bearer s3cret'],
      source: 'https://me:s3cret@a.example/?token=s3cret&n=1',
    };
    const desk = await makeDesk(undefined, user);
    const { stdout, stderr } = await desk.run(['config']);
    expect(stdout).toContain('Authorization: (not shown)');
    expect(stdout).toContain('https://a.example/?token=…&n=1');
    const json = await desk.run(['config', '--json']);
    expect(stdout + stderr + json.stdout).not.toContain('s3cret');
    const bad = await (await makeDesk(undefined, { header: 's3cret' })).run(['config']);
    expect(bad.code).toBe(2);
    expect(bad.stderr).toContain('got something else (not shown)');
  });

  it('do not reach the demo, which has its own release and directory', async () => {
    const desk = await makeDesk({
      dest: 'data',
      source: '/nowhere',
      subset: 'viral',
      strict: true,
    });
    const { code, stdout } = await desk.run(['demo', '-n', '--json']);
    expect(code).toBe(0);
    expect(documentOf(stdout).result).toMatchObject({ dest: './ccxri-demo' });
  });
});

describe('a file with something wrong in it', () => {
  it.each([
    [
      'an unknown key',
      { 'limit-rat': '10M' },
      'unknown key: "limit-rat". Did you mean "limit-rate"?',
    ],
    ['another spelling', { limitRate: '10M' }, 'Did you mean "limit-rate"?'],
    ['a key far from any', { 'x\u001b[2J': 1 }, 'unknown key: "x\\x1b[2J"\n'],
    ['what only a run may say', { yes: true }, `can't set "yes": that is for each run to say`],
    ['another kind', { strict: 'yes' }, '"strict" takes true or false; got "yes"'],
    ['a wrong value', { 'limit-rate': '10Mb' }, 'write "limit-rate": "1.25M"'],
    ['a number out of bounds', { concurrency: 65 }, 'takes a whole number from 1 to 64; got 65'],
    ['a list of other things', { source: ['a', 1] }, '"source" takes a directory'],
    ['null', { retries: null }, '"retries" takes a whole number from 0 to 1000; got null'],
    ['no object', [], 'holds no settings'],
    ['no JSON', '{"retries": 1,}', 'is not JSON'],
    ['nothing', '', 'is not JSON'],
  ])('%s, is refused with code 2, whichever command it is', async (_, project, said) => {
    const desk = await makeDesk(project);
    for (const argv of [['list'], ['config'], ['fetch', '--subset', 'viral', '-n']]) {
      const { code, stdout, stderr } = await desk.run(argv);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(desk.projectFile);
      expect(stderr).toContain(said);
    }
    expect((await desk.run(['help'])).code).toBe(0);
  });

  it('#160 that others can write, a link, not UTF-8, or 50 MB long is refused', async () => {
    for (const layer of ['projectFile', 'userFile'] as const) {
      const fresh = async () => {
        const desk = await makeDesk({ retries: 1 }, { retries: 1 });
        return { desk, path: desk[layer] };
      };
      const expectRefused = async (desk: Desk, said: string) => {
        const { code, stderr } = await desk.run(['list']);
        expect(code).toBe(2);
        expect(stderr).toContain(said);
        expect(stderr).toContain(desk[layer]);
      };
      const open = await fresh();
      await chmod(open.path, 0o646);
      await expectRefused(open.desk, 'chmod go-w');
      const long = await fresh();
      await truncate(long.path, 50e6);
      await expectRefused(long.desk, 'has 50000000 bytes');
      const latin = await fresh();
      await writeFile(latin.path, Buffer.from('{"dest": "Donn\xe9es"}', 'latin1'));
      await expectRefused(latin.desk, 'is not UTF-8');
      const linked = await makeDesk();
      await writeFile(join(linked.cwd, 'mine.json'), '{"retries": 1}');
      await symlink(join(linked.cwd, 'mine.json'), linked[layer]);
      await expectRefused(linked, 'is a link');
      const folder = await makeDesk();
      await mkdir(folder[layer]);
      await expectRefused(folder, 'is not a file');
    }
    const shared = await makeDesk({ retries: 1 }, { retries: 1 });
    await chmod(shared.projectFile, 0o664);
    expect((await shared.run(['list'])).code).toBe(0);
    await chmod(shared.userFile, 0o664);
    expect((await shared.run(['list'])).code).toBe(2);
  });
});

describe("a stranger's project", () => {
  it.each([
    [{ manifest: 'theirs.json' }, `can't set "manifest"`],
    [{ header: 'Host: x' }, `can't set "header"`],
    [{ 'header-host': 'theirs.example' }, `can't set "header-host"`],
    [{ 'delete-archives': true }, `can't set "delete-archives"`],
    [{ 'log-file': '/home/me/.bashrc' }, `can't set "log-file"`],
    [{ notify: true }, `can't set "notify"`],
    [{ force: true }, `can't set "force"`],
    [{ output: '/etc/x' }, `can't set "output"`],
    [{ to: '/etc/x' }, `can't set "to"`],
    [{ dest: '/etc' }, '"dest" leads out of the project'],
    [{ dest: '..' }, '"dest" leads out of the project'],
    [{ dest: 'a/../../b' }, '"dest" leads out of the project'],
    [{ dest: '.' }, '"dest" leads out of the project'],
    [{ dest: '~/.ssh' }, '"dest" leads out of the project'],
    [{ source: '\\\\theirs\\share' }, 'names a network share'],
    [{ source: 'file://theirs/share' }, 'names a network share'],
  ])('can not say %j', async (project, said) => {
    const { code, stderr } = await (await makeDesk(project)).run(['config']);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });

  it("gets none of the user's headers sent to where it says", async () => {
    const user = { header: 'Authorization: Bearer s3cret' };
    for (const project of [
      { source: 'https://theirs.example/' },
      { 'page-url': 'https://x.example/' },
    ]) {
      const desk = await makeDesk(project, user);
      const { code, stderr } = await desk.run(['links', '--file', 'Viral-1']);
      expect(code).toBe(2);
      expect(stderr).toContain('would be sent to');
      expect(stderr).not.toContain('s3cret');
      expect((await desk.run(['list'])).code).toBe(0);
    }
    const desk = await makeDesk({ source: 'https://theirs.example/' }, user);
    const typed = await desk.run(['links', '--file', 'Viral-1', '--source', '/nowhere']);
    expect(typed.stderr).not.toContain('would be sent to');
  });

  it('is said to name the sources, where it does', async () => {
    const desk = await makeDesk({ source: '/nowhere' });
    const { stderr } = await desk.run(['links', '--file', 'Viral-1']);
    expect(stderr).toContain(`"source" in ${desk.projectFile} says where files come from`);
    expect((await desk.run(['list'])).stderr).toBe('');
    const typed = await desk.run(['links', '--file', 'Viral-1', '--source', '/nowhere']);
    expect(typed.stderr).not.toContain('says where files come from');
  });

  it('is not read from the directory that is named, though the user is in it', async () => {
    const desk = await makeDesk({ retries: 7 });
    expect((await settingsOf(desk))('retries')?.from).toBe('project');
    expect((await settingsOf(desk, ['--dest', '.']))('retries')?.from).toBe('default');
  });
});

it("a header of the user's file goes to nobody whom nobody has named", async () => {
  const header = 'Authorization: Bearer s3cret';
  const { run } = await makeDesk(undefined, { header });
  const { code, stderr } = await run(['links', '--file', 'Viral-1']);
  expect(code).toBe(2);
  expect(stderr).toContain('is for no source that you have named');
  expect(stderr).not.toContain('s3cret');
  const named = await makeDesk(undefined, { header, source: '/nowhere' });
  for (const each of [named.run(['links', '--file', 'Viral-1']), run(['status'])]) {
    expect((await each).stderr).not.toContain('is for no source');
  }
});

it('what is selected on the command line is not widened by a file or a variable', async () => {
  const desk = await makeDesk({ subset: ['all'] });
  const namesOf = async (argv: readonly string[], env = {}) => {
    const { stdout } = await desk.run(['list', '--json', '--no-labels', ...argv], env);
    return documentOf(stdout).counts['files'];
  };
  expect(await namesOf([])).toBe(82);
  expect(await namesOf(['--file', 'ChestDx-22'])).toBe(1);
  expect(await namesOf([], { CCXRI_FILE: 'ChestDx-22' })).toBe(1);
  expect(await namesOf(['--file', 'ChestDx-22', '--subset', 'viral'])).toBeGreaterThan(1);
});

it('what is off silences nothing', async () => {
  const desk = await makeDesk({ verbose: true, 'no-extract': false }, { 'delete-archives': true });
  const of = await settingsOf(desk, [], { CCXRI_QUIET: '0' });
  expect(of('verbose')).toMatchObject({ value: true, from: 'project' });
  expect(of('delete-archives')).toMatchObject({ value: true, from: 'user' });
});

it('a file that is no JSON is named, and nothing of it shown', async () => {
  const desk = await makeDesk(undefined, '{"header": ["Authorization: Bearer s3cr3tTOKEN99",]}');
  const { code, stdout, stderr } = await desk.run(['status', '--json']);
  expect(code).toBe(2);
  expect(stdout + stderr).toContain(`${desk.userFile} is not JSON`);
  expect(stdout + stderr).not.toContain('TOKEN99');
});

it('no file is read with CCXRI_NO_CONFIG', async () => {
  const { run } = await makeDesk('{', '{');
  const { code, stderr } = await run(['list'], { CCXRI_NO_CONFIG: '1' });
  expect([code, stderr]).toEqual([0, '']);
});

it('only options that a file may hold are in the list, each once', () => {
  const held = OPTION_KEYS.filter((key) => layersOf(key).length > 0).map(nameOf);
  expect(held).toContain('limit-rate');
  for (const never of ['yes', 'force', 'dry-run', 'json', 'ndjson', 'allow-whole', 'label']) {
    expect(held).not.toContain(never);
  }
  expect(new Set(held).size).toBe(held.length);
});
