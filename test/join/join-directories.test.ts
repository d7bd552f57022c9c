import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.ts';
import { joinDirectories, type JoinDirectoriesOptions } from '../../src/join-directories.ts';
import { joinDataset } from '../../src/join.ts';
import { parseCsv } from '../support/csv.ts';
import { OF_DEMO, MANIFEST, fetchOf } from '../support/demo-lines.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

/** Shards of one selection in one directory each; and the whole of it in one, `whole`. */
let root = '';
const SHARDS = ['s/1', 's/2', 's/3'];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ccxri-shards-'));
  const fetched = await runCli(fetchOf('all', join(root, 'whole')));
  expect(fetched.code, fetched.stderr).toBe(0);
  for (const [at, name] of SHARDS.entries()) {
    const shard = ['--shard', `${at + 1}/${SHARDS.length}`];
    const { code, stderr } = await runCli([...fetchOf('all', join(root, name)), ...shard]);
    expect(code, stderr).toBe(0);
  }
}, 60_000);

afterAll(() => rm(root, { recursive: true }));

const shards = () => SHARDS.map((name) => join(root, name));

async function run(options: Partial<JoinDirectoriesOptions> = {}) {
  const events: RunEvent[] = [];
  const output = options.output ?? join(root, 'all.csv');
  const onEvent = (event: RunEvent) => void events.push(event);
  const result = await joinDirectories({ directories: shards(), output, onEvent, ...options });
  return { result, events, text: await readFile(output, 'utf8').catch(() => '') };
}

/** The index of the directory that has everything, and what its join found. */
async function whole() {
  const output = join(root, 'whole.csv');
  const result = await joinDataset({ dest: join(root, 'whole'), output });
  return { ...result, text: await readFile(output, 'utf8') };
}

async function copyOf(...names: readonly string[]): Promise<string> {
  const dir = await tempDir();
  for (const name of names) {
    await cp(join(root, name), join(dir, name), { recursive: true, preserveTimestamps: true });
  }
  return dir;
}

describe('a join over the directories of all shards', () => {
  it('is that of one directory with all images, but for the beginning of the paths', async () => {
    const { result, text } = await run();
    const { text: expected, ...one } = await whole();
    expect(text).not.toBe(expected);
    expect(text.replaceAll(/^s\/[123]\//gm, '')).toBe(expected);
    const { path, directories = [], ...report } = result;
    const { path: onePath, ...oneReport } = one;
    expect(report).toEqual(oneReport);
    expect([path, onePath]).toEqual([join(root, 'all.csv'), join(root, 'whole.csv')]);
    expect(directories.map((each) => each.path)).toEqual(shards());
    expect(directories.map(({ prefix }) => prefix)).toEqual(['s/1/', 's/2/', 's/3/']);
    expect(directories.map(({ archives }) => archives)).not.toContain(0);
    const rows = directories.reduce((sum, each) => sum + each.rows, 0);
    expect(rows).toBe(one.rows);
  });

  it('has paths that lead to the images, whatever the directory of the file', async () => {
    const away = join(await tempDir(), 'a/b');
    await mkdir(away, { recursive: true });
    for (const output of [join(root, 'x.csv'), join(root, 's/1/mine.csv'), join(away, 'x.csv')]) {
      const { text } = await run({ output });
      for (const { path = '' } of parseCsv(text)) {
        expect(path).not.toContain('\\');
        await readFile(join(output, '..', path));
      }
    }
    await rm(join(root, 's/1/mine.csv'));
  });

  it('is read through links: no path goes up from where a link only seems to be', async () => {
    const dir = await tempDir();
    await mkdir(join(dir, 'deep/er'), { recursive: true });
    await symlink(join(dir, 'deep/er'), join(dir, 'linked'));
    await symlink(root, join(dir, 'linked/here'));
    const output = join(dir, 'linked/all.csv');
    const below = await run({ output, directories: [join(dir, 'linked/here/s/1')] });
    expect(below.result.directories?.[0]?.prefix).toBe('here/s/1/');
    const beside = await run({ output });
    expect(beside.result.directories?.[0]?.prefix).toMatch(/^\.\.\/.*\/s\/1\/$/);
    for (const { path = '' } of [...parseCsv(below.text), ...parseCsv(beside.text)]) {
      // `join` of node:path would take `linked/..` together: the system is asked.
      await readFile(`${dir}/linked/${path}`);
    }
  });

  it('takes a selection, and writes nothing in a dry run or into the directories', async () => {
    const before = await listTree(join(root, 's'));
    const output = join(root, 'none.csv');
    const dry = await run({ output, dryRun: true });
    expect(dry.text).toBe('');
    expect(dry.events.map(({ event }) => event)).not.toContain('index-written');
    const { result } = await run({ selection: { subsets: ['viral'] } });
    expect(new Set(result.archives.map(({ file }) => file.replace(/-.*/, '')))).toEqual(
      new Set(['Viral']),
    );
    const files = ['ChestDx-1.zip'];
    const one = await run({ selection: { files } });
    expect(one.result.archives.map(({ file }) => file)).toEqual(files);
    expect(await listTree(join(root, 's'))).toEqual(before);
  });
});

describe('what two directories have', () => {
  it('is counted once, that of the first, with a remark', async () => {
    const { result, text } = await run({ directories: [...shards(), join(root, 'whole')] });
    const { text: expected, remarks, ...one } = await whole();
    expect(text.replaceAll(/^s\/[123]\//gm, '')).toBe(expected);
    expect(result.rows).toBe(one.rows);
    expect(result.directories?.map(({ rows }) => rows).at(-1)).toBe(0);
    const twice = result.remarks.filter(({ kind }) => kind === 'image-in-two-directories');
    expect(twice).toMatchObject([{ count: one.rows, strict: false }]);
    expect(twice[0]?.examples[0]).toMatch(/^s\/\d\/images\/(.*) and whole\/images\/\1$/);
    expect(result.remarks.length).toBe(remarks.length + 1);
  });

  it('with other bytes is a remark with both paths, and code 8 with --strict', async () => {
    const dir = await copyOf('whole');
    const name = 'images/ChestDx-1/patient10000385_000.jpg';
    // A copy without its state: nothing but the bytes tells.
    await rm(join(dir, 'whole/.ccxri'), { recursive: true });
    await writeFile(join(dir, 'whole', name), 'something else');
    const line = ['join', '--from', join(root, 'whole'), '--from', join(dir, 'whole')];
    const output = join(root, 'two.csv');
    const { code, stdout } = await runCli([...line, '-o', output, '--strict', '--json']);
    expect(code).toBe(8);
    const { result } = documentOf(stdout);
    const remarks = JSON.stringify(result);
    expect(remarks).toContain(`whole/${name} and `);
    const told = await runCli([...line, '-o', output]);
    expect(told.code).toBe(0);
    expect(told.stdout).toContain('1 image is in two directories with other bytes');
    expect(told.stdout).toMatch(/images are in two directories alike: counted once/);
  });

  it('is a union, where each has some images of an archive', async () => {
    const dir = await copyOf('whole');
    const second = join(dir, 'second');
    const images = (await listTree(join(dir, 'whole/images/ChestDx-1'))).filter((path) =>
      path.endsWith('.jpg'),
    );
    const moved = images.slice(0, 2);
    await mkdir(join(second, 'images/ChestDx-1'), { recursive: true });
    for (const path of moved) {
      const below = join('images/ChestDx-1', path);
      await rename(join(dir, 'whole', below), join(second, below));
    }
    await writeFile(join(second, 'images/ChestDx-1/patient1_000 (1).jpg'), 'of somebody');
    const directories = [second, join(dir, 'whole')];
    const { result, text } = await run({ directories, output: join(dir, 'all.csv') });
    const { rows } = await whole();
    expect(result.rows).toBe(rows);
    const paths = parseCsv(text).map(({ path = '' }) => path);
    const ofSecond = paths.filter((path) => path.startsWith('second/'));
    expect(ofSecond).toEqual(moved.map((path) => `second/images/ChestDx-1/${path}`));
    // The ledger of the one knows what the archive has: what the other has beside that is of nobody.
    expect(result.remarks.map(({ kind }) => kind)).toContain('unexpected-image');
  });

  it('is an error, where it is a label file with other bytes', async () => {
    const dir = await copyOf('whole', 's/1');
    await writeTree(join(dir, 's/1'), { 'labels/chest_dx.csv': 'other' });
    const directories = [join(dir, 'whole'), join(dir, 's/1')];
    await expect(run({ directories })).rejects.toMatchObject({
      code: 'labels-invalid',
      facts: {
        expected: expect.stringContaining(join(dir, 'whole/labels/chest_dx.csv')) as string,
        found: expect.stringContaining(join(dir, 's/1/labels/chest_dx.csv')) as string,
      },
    });
  });
});

describe('what is no dataset directory', () => {
  it.each([
    ['nothing', 'there is no directory'],
    ['empty', 'is no dataset directory'],
    ['file', 'is a file, not a directory'],
  ])('is named, with code 2: %s', async (name, message) => {
    const dir = await tempDir();
    await mkdir(join(dir, 'empty'));
    await writeFile(join(dir, 'file'), '');
    const from = ['--from', join(root, 's/1'), '--from', join(dir, name)];
    const { code, stderr } = await runCli(['join', ...from, '-o', join(dir, 'all.csv')]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).toContain(join(dir, name));
    expect(await listTree(dir)).toEqual(['empty', 'file']);
  });

  it('nor is one of them twice, also by a link', async () => {
    const dir = await tempDir();
    await symlink(join(root, 's/1'), join(dir, 'link'));
    const directories = [join(root, 's/1'), join(dir, 'link')];
    await expect(run({ directories })).rejects.toMatchObject({ code: 'usage' });
  });

  it('nor do directories go together that keep different manifests, until one is named', async () => {
    const dir = await copyOf('s/1', 's/2');
    const theirs = JSON.parse(await readFile(MANIFEST, 'utf8')) as object;
    const manifest = join(dir, 'other.json');
    await writeFile(manifest, JSON.stringify({ ...theirs, version: '9' }));
    await rm(join(dir, 's/2/.ccxri/manifest.json'));
    await rm(join(dir, 's/2/.ccxri/manifest.sha256')).catch(() => undefined);
    await runCli(
      ['fetch', '--subset', 'all', '--shard', '2/3', '--manifest', manifest].concat([
        '--dest',
        join(dir, 's/2'),
        '--source',
        join(dir, 'nowhere'),
        '--no-input',
      ]),
    );
    const from = ['--from', join(dir, 's/1'), '--from', join(dir, 's/2')];
    const line = ['join', ...from, '-o', join(dir, 'all.csv')];
    const refused = await runCli(line);
    expect(refused.code, refused.stdout).toBe(2);
    expect(refused.stderr).toContain('keep different manifests');
    const named = await runCli([...line, '--manifest', MANIFEST]);
    expect(named.code, named.stderr).toBe(0);
  });

  it('and without a file to write to, or beside --dest, --from is refused', async () => {
    const from = ['--from', join(root, 's/1')];
    const { code, stderr } = await runCli(['join', ...from]);
    expect(code).toBe(2);
    expect(stderr).toContain('--output FILE');
    const both = await runCli(['join', ...from, ...OF_DEMO, root, '-o', join(root, 'x.csv')]);
    expect(both.code).toBe(2);
    expect(both.stderr).toContain('contradict each other');
    // That of the environment is of the other commands of a job.
    const env = { CCXRI_DEST: join(root, 'whole') };
    const line = ['join', ...from, '-o', join(root, 'x.csv')];
    expect((await runCli(line, { env })).code).toBe(0);
  });
});

it('does not write over what belongs to one of the directories', async () => {
  const [first = ''] = shards();
  for (const name of ['index.csv', 'labels/chest_dx.csv', '.ccxri/all.csv', 'images/all.csv']) {
    const before = await listTree(first);
    const output = join(first, name);
    await expect(run({ output })).rejects.toMatchObject({ code: 'usage', facts: { path: output } });
    expect(await listTree(first)).toEqual(before);
  }
  const beside = join(first, 'all.csv');
  await run({ output: beside });
  await rm(beside);
});
