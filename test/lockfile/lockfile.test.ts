import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { driftOf } from '../../src/lockfile/drift.ts';
import type { Lockfile } from '../../src/lockfile/types.ts';
import { MANIFEST, RELEASE, editedManifest, fetchOf, set } from '../support/demo-lines.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

let root: string;
let dest: string;
/** Beside the dataset directory. */
let lockfile: string;
beforeEach(async () => {
  root = await tempDir();
  dest = join(root, 'set');
  lockfile = join(root, 'ccxri.lock.json');
});

const lock = (...more: readonly string[]) => runCli(['lock', ...set(dest), ...more]);
const locked = async (manifest: string, ...more: readonly string[]) => {
  const line = ['fetch', '--dest', dest, '--manifest', manifest, '--source', RELEASE, '--locked'];
  const { stdout, code } = await runCli([...line, ...more, '--json']);
  return { code, ...documentOf(stdout) };
};
const readLocked = async () => JSON.parse(await readFile(lockfile, 'utf8')) as Lockfile;

describe('ccxri lock, and fetch --locked', () => {
  it('writes the same on every run; fetch takes its selection from it', async () => {
    expect((await lock('--subset', 'viral')).code).toBe(0);
    const text = await readFile(lockfile, 'utf8');
    const again = documentOf((await lock('--subset', 'viral', '--json')).stdout);
    expect(again.result).toMatchObject({ changed: false });
    expect(await readFile(lockfile, 'utf8')).toBe(text);
    expect(text).not.toMatch(/20\d\d-\d\d|\/set/);
    const { selection, labels } = await readLocked();
    expect(selection.files).toContain('Viral-1.zip');
    expect(labels).toMatchObject([{ file: 'viral_pneumonia_COVID-19.csv' }]);
    const run = await locked(MANIFEST);
    expect(run).toMatchObject({ code: 0, counts: { files: selection.files.length } });
    expect(await locked(MANIFEST, '--subset', 'viral')).toMatchObject({ code: 0 });
  });

  it('of chosen images: the choice, too', async () => {
    expect((await lock('--label', 'COVID-19', '--limit', '2', '--seed', '7')).code).toBe(0);
    expect(await locked(MANIFEST, '-n')).toMatchObject({ code: 0, counts: { images: 2 } });
    const other = ['-n', '--label', 'COVID-19', '--limit', '3', '--seed', '8'];
    const { code, errors } = await locked(MANIFEST, ...other);
    expect(code).toBe(2);
    const reasons = ['--limit: locked 2, now 3', '--seed: locked 7, now 8'];
    expect(errors).toMatchObject([{ code: 'lockfile-drift', reasons }]);
    expect((await locked(MANIFEST, '-n', '--subset', 'viral')).code).toBe(2);
  });

  it('refuses another selection, manifest or label file, and downloads nothing', async () => {
    await lock('--subset', 'viral');
    const other = await locked(MANIFEST, '--subset', 'chestdx');
    expect(other.code).toBe(2);
    expect(other.errors[0]?.reasons?.join()).toMatch(/locked, and not selected.*selected, and not/);
    const md5 = 'b'.repeat(32);
    const edited = await editedManifest(root, 'viral_pneumonia_COVID-19.csv', { md5 });
    const { code, errors } = await locked(edited);
    expect(code).toBe(2);
    const said = errors[0]?.reasons?.join('\n') ?? '';
    expect(said).toMatch(/the manifest: locked/);
    expect(said).toMatch(/MD5s of selected files are others/);
    expect(said).toMatch(new RegExp(`the MD5 of viral_.*now ${md5}`));
    const { files } = JSON.parse(await readFile(MANIFEST, 'utf8')) as { files: { name: string }[] };
    const fewer = files.filter(({ name }) => name !== 'Viral-1.zip');
    const all = JSON.parse(await readFile(MANIFEST, 'utf8')) as object;
    await writeFile(edited, JSON.stringify({ ...all, files: fewer }));
    expect((await locked(edited)).errors[0]?.reasons?.join()).toContain('Viral-1.zip');
    await expect(readFile(join(dest, '.ccxri/lock'))).rejects.toThrow('ENOENT');
  });

  it('passes over what decides no content: citation, addresses, line ends', async () => {
    await lock('--subset', 'viral');
    const all = JSON.parse(await readFile(MANIFEST, 'utf8')) as object;
    const path = join(root, 'other.json');
    const text = JSON.stringify({ ...all, citation: 'x' }, null, 1).replaceAll('\n', '\r\n');
    await writeFile(path, text);
    await writeFile(lockfile, (await readFile(lockfile, 'utf8')).replaceAll('\n', '\r\n'));
    expect((await locked(path, '-n')).code).toBe(0);
  });

  it('refuses another seed of a split that is here', async () => {
    expect((await runCli(fetchOf('all', dest))).code).toBe(0);
    const split = (...more: readonly string[]) => runCli(['split', ...set(dest), ...more]);
    expect((await split('--seed', '1')).code).toBe(0);
    await lock('--subset', 'all');
    expect((await readLocked()).splits).toMatchObject([{ name: 'split', seed: '1' }]);
    expect((await locked(MANIFEST, '-n')).code).toBe(0);
    expect((await split('--seed', '2', '--force')).code).toBe(0);
    const { code, errors } = await locked(MANIFEST, '-n');
    expect(code).toBe(2);
    expect(errors[0]?.reasons).toEqual(['the seed of the split split: locked 1, now 2']);
    await rm(join(dest, 'splits'), { recursive: true });
    expect((await locked(MANIFEST, '-n')).code).toBe(0);
  });

  it('can not use a lockfile that is not there, is none, or of another version', async () => {
    expect((await locked(MANIFEST)).errors).toMatchObject([{ code: 'lockfile-invalid' }]);
    await lock('--subset', 'viral');
    const text = await readFile(lockfile, 'utf8');
    const texts: readonly (readonly [string, string])[] = [
      [text.replace('"lockfileVersion": 1', '"lockfileVersion": 2'), 'version 2 of the form'],
      [text.replace('"lockfileVersion": 1,', ''), 'lockfileVersion'],
      [text.slice(0, 100), 'not JSON'],
      ['[]', ''],
      [text.replace('"seed"', '"sed"').replace('"splits": []', '"more": []'), ''],
    ];
    for (const [content, said] of texts) {
      await writeFile(lockfile, content);
      const { code, errors } = await locked(MANIFEST);
      expect(code).toBe(2);
      expect(errors).toMatchObject([{ code: 'lockfile-invalid' }]);
      expect(errors[0]?.message).toContain(said);
    }
    await writeTree(root, { 'elsewhere.json': text });
    await rm(lockfile);
    const line = ['fetch', '-n', ...set(dest), '--lockfile', join(root, 'elsewhere.json')];
    expect((await runCli([...line, '--source', RELEASE])).code).toBe(0);
  });

  it('warns of another version of ccxri; another form of the directory is drift', async () => {
    await lock('--subset', 'viral');
    const now = await readLocked();
    expect(driftOf({ ...now, ccxriVersion: '9.9.9' }, now)).toEqual([]);
    const drift = driftOf({ ...now, layoutVersion: 0 }, now);
    expect(drift).toEqual(['the form of the directory: locked 0, now 1']);
    await writeFile(lockfile, JSON.stringify({ ...now, ccxriVersion: '9.9.9' }));
    const line = ['fetch', '-n', ...set(dest), '--locked', '--source', RELEASE];
    const { code, stderr } = await runCli(line);
    expect(code).toBe(0);
    expect(stderr).toContain('was written by ccxri 9.9.9');
  });

  it('needs a selection, and a file for its output', async () => {
    expect((await lock()).stderr).toContain('say what to lock');
    expect((await lock('--subset', 'viral', '-o', root)).code).toBe(2);
  });
});

describe('ccxri plan --cache-key', () => {
  const key = async (manifest: string, ...more: readonly string[]) => {
    const line = ['plan', '--dest', dest, '--manifest', manifest, '--cache-key', ...more];
    const { code, stdout, stderr } = await runCli(line);
    expect(code, stderr).toBe(0);
    return stdout;
  };

  it('is one line, and the same for the same content alone', async () => {
    const viral = await key(MANIFEST, '--subset', 'viral');
    expect(viral).toMatch(/^ccxri-[a-z0-9-]+-[0-9a-f]{32}\n$/);
    expect(await key(MANIFEST, '--subset', 'Viral,viral', '--file', 'Viral-1')).toBe(viral);
    const elsewhere = ['plan', ...set(join(root, 'b')), '--cache-key', '--subset', 'viral'];
    expect((await runCli(elsewhere)).stdout).toBe(viral);
    const others = [
      await key(MANIFEST, '--subset', 'all'),
      await key(MANIFEST, '--subset', 'viral', '--no-labels'),
      await key(MANIFEST, '--subset', 'viral', '--no-extract'),
      await key(MANIFEST, '--subset', 'viral', '--delete-archives'),
      await key(MANIFEST, '--subset', 'viral', '--label', 'COVID-19'),
      await key(MANIFEST, '--subset', 'viral', '--label', 'COVID-19', '--limit', '2'),
      await key(
        await editedManifest(root, 'Viral-1.zip', { md5: 'c'.repeat(32) }),
        '--subset=viral',
      ),
    ];
    expect(new Set([viral, ...others]).size).toBe(others.length + 1);
    const url = await editedManifest(root, 'Viral-1.zip', { url: 'https://x.example/a' });
    expect(await key(url, '--subset', 'viral')).toBe(viral);
  });

  it('of the bundled manifest has not changed: caches of users would be empty', async () => {
    const { stdout } = await runCli([
      'plan',
      '--dest',
      dest,
      '--subset',
      'chestdx-pe',
      '--cache-key',
    ]);
    expect(stdout).toMatchInlineSnapshot(`
      "ccxri-cc-cxri-2-0-649c9804ef2292e0e2063bddf2f3dd07
      "
    `);
  });
});
