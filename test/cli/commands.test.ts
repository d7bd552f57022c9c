import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { documentOf, eventsOf, runCli } from '../support/run-cli.ts';
import { useServedDirectory } from '../support/served.ts';
import { type StandIn, makeStandIn } from '../support/stand-in.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useServedDirectory();

let release: StandIn;
let manifest: readonly string[];
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ccxri-release-'));
  release = await makeStandIn(directory);
  manifest = ['--manifest', release.manifestPath];
  return () => rm(directory, { recursive: true, force: true });
});

/** A dataset directory that has everything, made by `fetch`. */
async function fetched(...more: readonly string[]): Promise<string> {
  const dest = join(await tempDir(), 'set');
  const source = ['--source', release.directory];
  const argv = ['fetch', '--subset', 'all', '--dest', dest, ...manifest, ...source, ...more];
  const { code, stderr } = await runCli(argv);
  expect(code, stderr).toBe(0);
  return dest;
}

describe('verify', () => {
  it('says what was checked, and how', async () => {
    const dest = await fetched();
    const full = await runCli(['verify', dest, ...manifest]);
    expect(full.code, full.stderr).toBe(0);
    expect(full.stdout).toMatch(/^good: 8 files in .+; 58 KB read/);
    expect(full.stdout).toContain(
      'full: the MD5 of every archive and label file; images with --deep',
    );
    const quick = await runCli(['verify', dest, ...manifest, '--quick']);
    expect(quick.code).toBe(0);
    expect(quick.stdout).toContain('no byte was read');
    expect(quick.stdout).toContain(`\`ccxri verify --dest ${dest}\` `);
    expect(quick.stdout).toMatch(/^by the ledger, verified +8$/m);
    const unread = 'images of 6 archives not looked at: `ccxri verify --deep --dest ';
    expect(quick.stdout).toContain(unread);
    expect(full.stdout).toContain(unread);
    expect(quick.stdout).not.toMatch(/^(?:verified|good)/m);
    const deep = await runCli(['verify', dest, ...manifest, '--deep', '-v']);
    expect(deep.code).toBe(0);
    expect(deep.stdout).toContain('the CRC-32 of every image');
    expect(deep.stdout).not.toContain('not looked at');
    expect(deep.stdout).toMatch(/^ChestDx-1\.zip +verified +[0-9a-f]{32}$/m);
  });

  it('#170 with one bad of many is code 3, names it, and reports the others', async () => {
    const dest = await fetched();
    await truncate(join(dest, 'archives/ChestDx-2.zip'), 100);
    const { code, stdout, stderr } = await runCli(['verify', dest, ...manifest]);
    expect(code).toBe(3);
    expect(stdout).toMatch(/^not good: 1 of 8 files/);
    expect(stdout).toMatch(/^verified: .+ 7$/m);
    expect(stderr).toMatch(/^error: .*ChestDx-2\.zip/m);
    expect(stderr).not.toMatch(/^error: .*ChestDx-1\.zip/m);
    const json = documentOf((await runCli(['verify', dest, ...manifest, '--json'])).stdout);
    expect(json).toMatchObject({ exitCode: 3, counts: { files: 8, bad: 1, verified: 7 } });
    expect(json.errors).toHaveLength(1);
  });

  it('of a selection is code 5 for what is not here; without one it only counts that', async () => {
    const dest = await fetched();
    await rm(join(dest, 'labels/chest_dx.csv'));
    const all = await runCli(['verify', dest, ...manifest]);
    expect(all.code).toBe(0);
    expect(all.stdout).toContain('1 file of the manifest not here, and not asked for');
    const some = await runCli(['verify', dest, ...manifest, '--subset', 'chestdx']);
    expect(some.code).toBe(5);
    expect(some.stderr).toMatch(/^error: chest_dx\.csv is not here$/m);
  });

  it('gives one next step for all that is missing: fetch the same selection', async () => {
    const dest = await fetched();
    const gone = ['archives/ChestDx-1.zip', 'archives/Viral-1.zip', 'labels/chest_dx.csv'];
    for (const path of [...gone, 'images']) await rm(join(dest, path), { recursive: true });
    const selected = ['--subset', 'chestdx', '--subset', 'viral'];
    const { code, stderr } = await runCli(['verify', dest, ...manifest, ...selected]);
    expect(code).toBe(5);
    expect(stderr).toMatch(/^error: 3 files are not here\n {2}files: /m);
    const hints = stderr.split('\n').filter((line) => line.startsWith('next:'));
    const same = `--subset chestdx --subset viral --dest ${dest}`;
    expect(hints).toEqual([`next: run \`ccxri fetch ${same}\` to get what is missing`]);
  });

  it('of a file says that it is no directory', async () => {
    const path = join(await tempDir(), 'afile');
    await writeFile(path, '');
    const { code, stderr } = await runCli(['verify', path, ...manifest]);
    expect(code).toBe(5);
    expect(stderr).toContain(`${path} is a file, not a directory`);
  });
});

describe('extract', () => {
  it('unpacks what is here, says how it went, and writes nothing with -n', async () => {
    const dest = await fetched('--no-extract');
    const before = await listTree(dest);
    const dry = await runCli(['extract', '--dest', dest, ...manifest, '-n']);
    expect(dry.stdout).toMatch(/^would be extracted, verified +6$/m);
    expect(await listTree(dest)).toEqual(before);
    const { code, stdout } = await runCli(['extract', '--dest', dest, ...manifest]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^extracted, verified +6$/m);
    expect(stdout).toContain(`\`ccxri join --dest ${dest}\` `);
    const again = await runCli(['extract', '--dest', dest, ...manifest, '--json']);
    expect(documentOf(again.stdout).counts).toMatchObject({ archives: 6, skipped: 6 });
  });

  it('suggests no join if an archive failed, but the next step for that one', async () => {
    const dest = await fetched('--no-extract');
    await rm(join(dest, 'archives/Viral-1.zip'));
    const argv = ['extract', '--dest', dest, ...manifest, '--subset', 'viral'];
    const { code, stdout, stderr } = await runCli(argv);
    expect(code).toBe(5);
    expect(stdout).not.toContain('next:');
    expect(stderr).toContain(`\`ccxri fetch --file Viral-1 --dest ${dest}\` `);
  });
});

describe('status', () => {
  it('shows per subset what is here, with totals', async () => {
    const dest = await fetched();
    await rm(join(dest, 'labels/chest_dx.csv'));
    await writeFile(join(dest, 'archives/Other-1.zip'), 'changed');
    const { code, stdout, stderr } = await runCli(['status', '--dest', dest, ...manifest]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^subset +files +present +verified +missing +here +of$/m);
    expect(stdout).toMatch(/^chestdx +3 +0 +2 +1 +\d+ KB +\d+ KB$/m);
    expect(stdout).toMatch(/^all +8 +1 +6 +1 +\d+ KB +\d+ KB$/m);
    expect(stdout).toMatch(/^Other-1\.zip +present, changed since it passed +7 bytes$/m);
    expect(stdout).toContain('index.csv: here');
    expect(stdout).toMatch(/^1 file is here and not checked since: .* reads it$/m);
    for (const line of stdout.split('\n').slice(1, 12)) expect(line.length).toBeLessThan(80);
  });

  it('of a directory that is not there is no error, and says how to begin', async () => {
    const dest = join(await tempDir(), 'nothing');
    const { code, stdout } = await runCli(['status', '--dest', dest, ...manifest]);
    expect(code).toBe(0);
    const next = `next: \`ccxri fetch --subset NAME --dest ${dest} --manifest ${release.manifestPath}\``;
    expect(stdout).toBe(`there is no directory ${dest} yet\n${next}\n`);
    const json = await runCli(['status', '--dest', dest, ...manifest, '--json']);
    expect(documentOf(json.stdout).counts).toMatchObject({ files: 8, missing: 8 });
  });

  it('of a file says that it is no directory', async () => {
    const dest = release.manifestPath;
    const { code, stdout } = await runCli(['status', '--dest', dest, ...manifest]);
    expect(code).toBe(0);
    expect(stdout).toContain(
      `${dest} is a file, not a directory\nnext: name another one: --dest DIR`,
    );
  });
});

describe('links', () => {
  it('shows where each file comes from', async () => {
    const { url } = await serve(release.directory);
    const { code, stdout } = await runCli(['links', ...manifest, '--source', `${url}index.html`]);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Viral-1\\.zip +${url}Viral-1\\.zip$`, 'm'));
    expect(stdout).toContain('8 of 8 files found; tried, in this order:\n- page ');
  });

  it('reports what was tried and the two next steps, if a page has none', async () => {
    const { url } = await serve(release.directory);
    const argv = ['links', ...manifest, '--source', `${url}none/gone.html`, '--timeout', '1'];
    const { code, stdout, stderr } = await runCli(argv);
    expect(code).toBe(4);
    expect(stdout).toContain(
      `0 of 8 files found; tried, in this order:\n- page ${url}none/gone.html: 0`,
    );
    expect(stderr).toMatch(/next: check its address, or give another --source\n/);
    expect(stderr.match(/^error:/gm)).toHaveLength(1);
    expect(stderr).toContain('; needed for 8 files\n');
  });
});

describe('manifest', () => {
  it('goes to stdout, or whole into a file, and serves as --manifest then', async () => {
    const { code, stdout } = await runCli(['manifest', release.directory, '-q', ...manifest]);
    expect(code).toBe(0);
    const made = JSON.parse(stdout) as { files: readonly { name: string }[] };
    expect(made.files).toHaveLength(8);
    const path = join(await tempDir(), 'lab.json');
    const toFile = await runCli(['manifest', release.directory, '-o', path, ...manifest]);
    expect(toFile.stdout).toBe(
      `${path}: 8 files\nnext: \`ccxri fetch --subset all --manifest ${path} --source ${release.directory}\`\n`,
    );
    expect(toFile.stderr).toContain('index.html is neither an archive nor a label file');
    expect(await readFile(path, 'utf8')).toBe(stdout);
    const toStdout = await runCli(['manifest', release.directory, '-o', '-', ...manifest]);
    expect(toStdout.stdout).toBe(stdout);
    const list = await runCli(['list', '--manifest', path, '--json']);
    expect(documentOf(list.stdout).counts).toEqual({ files: 8 });
  });

  it('does not write with -n, nor over what is no file', async () => {
    const directory = await tempDir();
    const path = join(directory, 'lab.json');
    const dry = await runCli(['manifest', release.directory, '-o', path, '-n', ...manifest]);
    expect(dry.stdout).toContain('nothing was written');
    expect(await listTree(directory)).toEqual([]);
    const onto = await runCli(['manifest', release.directory, '-o', directory, ...manifest]);
    expect(onto.code).toBe(2);
    const events = await runCli(['manifest', directory, '--ndjson', ...manifest]);
    expect(eventsOf(events.stdout).at(-1)).toMatchObject({ event: 'summary', exitCode: 2 });
  });
});
