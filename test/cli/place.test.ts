import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { placeOf } from '../../src/cli/place.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

async function makeDataset(root: string): Promise<string> {
  for (const folder of ['.ccxri/ledger', 'archives', 'images/ChestDx-1']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  return root;
}

describe('the dataset directory of a command', () => {
  it.each(['', 'archives', 'images/ChestDx-1', '.ccxri/ledger', 'notes/mine'])(
    'is the one that the user is in, from %s/ of it',
    async (below) => {
      const root = await makeDataset(join(await tempDir(), 'set'));
      const cwd = join(root, below);
      await mkdir(cwd, { recursive: true });
      expect(await placeOf('fetch', undefined, { cwd, env: {} })).toEqual({
        dest: root,
        isFound: true,
      });
      expect(await placeOf('demo', undefined, { cwd, env: {} })).toMatchObject({ dest: root });
      expect(await placeOf('fetch', 'given', { cwd, env: {} })).toEqual({
        dest: 'given',
        isFound: false,
      });
    },
  );

  it('is the nearest of two', async () => {
    const root = await makeDataset(join(await tempDir(), 'set'));
    const cwd = await makeDataset(join(root, 'mine/other'));
    expect(await placeOf('fetch', undefined, { cwd, env: {} })).toMatchObject({ dest: cwd });
  });

  it('is the default beside it, where that is one already, but not in a folder of its own', async () => {
    const root = await makeDataset(join(await tempDir(), 'set'));
    for (const below of ['work', 'images', '.']) {
      await makeDataset(join(root, below, 'cc-cxri'));
    }
    const at = async (below: string) =>
      (await placeOf('fetch', undefined, { cwd: join(root, below), env: {} })).dest;
    expect(await at('work')).toBe('./cc-cxri');
    expect(await at('images')).toBe(root);
    expect(await at('.')).toBe(root);
  });

  it('stays the default in the directory above one, and without any', async () => {
    const cwd = await tempDir();
    expect(await placeOf('status', undefined, { cwd, env: {} })).toEqual({
      dest: './cc-cxri',
      isFound: false,
    });
    await makeDataset(join(cwd, 'cc-cxri'));
    expect((await placeOf('status', undefined, { cwd, env: {} })).dest).toBe('./cc-cxri');
    expect((await placeOf('demo', undefined, { cwd, env: {} })).dest).toBe('./ccxri-demo');
  });

  it('is found through a link to another disk, as the shell has the current directory', async () => {
    const root = await makeDataset(join(await tempDir(), 'set'));
    const disk = await tempDir();
    await symlink(disk, join(root, 'images/ChestDx-2'));
    const env = { PWD: join(root, 'images/ChestDx-2') };
    expect((await placeOf('status', undefined, { cwd: disk, env })).dest).toBe(root);
    // A variable that says something else is not believed.
    const stale = { PWD: join(root, 'images/ChestDx-1') };
    expect((await placeOf('status', undefined, { cwd: disk, env: stale })).dest).toBe('./cc-cxri');
  });
});

describe('what is said of it', () => {
  it('is one line on stderr; not with --quiet or --ndjson; the document has it', async () => {
    const root = await makeDataset(join(await tempDir(), 'set'));
    const cwd = join(root, 'archives');
    const line = `in the dataset directory ${root}\n`;
    const plain = await runCli(['status'], { cwd });
    expect(plain).toMatchObject({ code: 0, stderr: line });
    const json = await runCli(['status', '--json'], { cwd });
    expect(json.stderr).toBe(line);
    expect(documentOf(json.stdout).result).toMatchObject({ dest: root });
    expect((await runCli(['status', '-q'], { cwd })).stderr).toBe('');
    expect((await runCli(['status', '--ndjson'], { cwd })).stderr).toBe('');
    expect((await runCli(['status', root], { cwd })).stderr).toBe('');
    expect(
      (await runCli(['manifest', cwd, '-o', join(root, 'x.json')], { cwd })).stderr,
    ).not.toContain('in the dataset directory');
  });
});

describe('a subset or file where a directory is taken', () => {
  it.each([
    [['fetch', 'chestdx'], '`ccxri fetch --subset chestdx`'],
    [['fetch', 'ChestDX_PE', '-n'], '`ccxri fetch --subset ChestDX_PE`'],
    [['extract', 'ChestDx-22.zip'], '`ccxri extract --file ChestDx-22`'],
    [['verify', 'chestdx-22'], '`ccxri verify --file ChestDx-22`'],
    [['status', 'all'], '`ccxri status --subset all`'],
    [['list', 'viral'], '`ccxri list --subset viral`'],
    [['demo', 'viral'], '`ccxri fetch --subset viral`'],
    [
      ['fetch', 'viral', '--source', 'https://m.example/'],
      '`ccxri fetch --subset viral --source https://m.example/`',
    ],
  ] as const)('%j is refused', async (argv, command) => {
    const { code, stderr } = await runCli(argv);
    expect(code).toBe(2);
    expect(stderr).toContain(`next: run ${command}, or add --dest ./${argv[1]} if`);
  });

  it('is refused by its name where the file is there, and taken where the directory is', async () => {
    const root = await tempDir();
    await writeFile(join(root, 'ChestDx-22.zip'), '');
    const refused = await runCli(['verify', join(root, 'ChestDx-22.zip')]);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('ccxri verify --file ChestDx-22');
    await mkdir(join(root, 'viral'));
    expect((await runCli(['status', join(root, 'viral')])).code).toBe(0);
    expect((await runCli(['status', join(root, 'normal')])).code).toBe(0);
    expect(await listTree(root)).not.toContain('normal');
  });
});

describe('a dataset directory in another one', () => {
  it.each([['fetch', '--subset', 'normal'], ['demo']])('is not made by %s', async (...command) => {
    const root = await makeDataset(join(await tempDir(), 'set'));
    const before = await listTree(root);
    const { code, stderr } = await runCli([...command, join(root, 'images/new')]);
    expect(code).toBe(2);
    expect(stderr).toContain(`lies in images/ of the dataset directory ${root}`);
    expect(await listTree(root)).toEqual(before);
  });

  it('is never made directly in one of the same name', async () => {
    const root = await makeDataset(join(await tempDir(), 'cc-cxri'));
    const argv = ['fetch', '--subset', 'normal', '--dest', join(root, 'cc-cxri'), '--source', root];
    const { code, stderr } = await runCli(argv);
    expect(code).toBe(2);
    expect(stderr).toContain(`leave the directory out to work on ${root}`);
    expect(await listTree(root)).not.toContain('cc-cxri');
  });

  it('is made elsewhere in it where it was named, with a warning', async () => {
    const root = await makeDataset(join(await tempDir(), 'set'));
    const argv = ['fetch', join(root, 'mine'), '-n', '--subset', 'normal', '--source', root];
    const { code, stderr } = await runCli(argv);
    expect(code).toBe(0);
    expect(stderr).toContain(`mine is in another dataset directory, ${root}`);
  });
});
