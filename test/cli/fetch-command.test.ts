import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { documentOf, runCli } from '../support/run-cli.ts';
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

describe('fetch', () => {
  it('reports what was downloaded, where the index is, rows per class, and what to do next', async () => {
    const dest = join(await tempDir(), 'set');
    const { url } = await serve(release.directory);
    const argv = ['fetch', '--subset', 'all', '--dest', dest, ...manifest, '--source', url];
    const { code, stdout, stderr } = await runCli(argv);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(new RegExp(`^done: 8 files in ${dest}, 58 KB downloaded in \\d+ s\n`));
    expect(stdout).toMatch(/^downloaded, verified +8$/m);
    expect(stdout).toContain(`index  ${join(dest, 'index.csv')}: 31 rows, 6 archives\n`);
    expect(stdout).toMatch(/^images by class: .*Other 5.*Normal 4/m);
    expect(stdout).toMatch(/^images by label: .+ \(labels known for \d+ of 31 images\)$/m);
    expect(stdout).toContain(`next: read ${join(dest, 'index.csv')}`);
    expect(stderr).toMatch(/^plan: 8 files; 8 to download/);
    expect(stderr.match(/^\[\d\/8\] .+: downloaded, verified$/gm)).toHaveLength(8);
    const again = await runCli(argv);
    expect(again.stdout).toMatch(/^done before, verified +8$/m);
    expect(again.stdout).toMatch(/^done: 8 files in .+ in \d+ s$/m);
  });

  it('names what failed and why, gives each next step, and continues with the others', async () => {
    const dest = join(await tempDir(), 'set');
    const mirror = await tempDir();
    await cp(release.directory, mirror, { recursive: true });
    const wrong = await readFile(join(mirror, 'ChestDx-1.zip'));
    wrong[wrong.length - 30] = (wrong.at(-30) ?? 0) ^ 1;
    await writeFile(join(mirror, 'ChestDx-1.zip'), wrong);
    await rm(join(mirror, 'Other-1.zip'));
    const argv = ['fetch', '--subset', 'all', '--dest', dest, ...manifest, '--source', mirror];
    const { code, stdout, stderr } = await runCli([...argv, '--retries', '0']);
    expect(code).toBe(3);
    expect(stdout).toMatch(/^not done: 6 of 8 files in .* \(6 downloaded; 2 failed\)$/m);
    expect(stdout).toContain(': 19 rows, 4 archives\n');
    expect(stdout).not.toContain('next:');
    // Each with its own advice, the worse one last.
    expect(stderr).toMatch(
      /^error: Other-1\.zip is not at .+\nnext: .+\nerror: ChestDx-1\.zip is not the published file.+\nnext: .+ wrong both times\n$/ms,
    );
    const json = await runCli([...argv, '--retries', '0', '--json']);
    expect(documentOf(json.stdout)).toMatchObject({
      exitCode: 3,
      counts: { files: 8, failed: 2, skipped: 6, missing: 2, verified: 6, rows: 19 },
    });
    expect(documentOf(json.stdout).errors.map(({ file }) => file)).toEqual([
      'ChestDx-1.zip',
      'Other-1.zip',
    ]);
  });

  it('#166 with -n shows the plan, and neither writes nor locks nor asks anybody', async () => {
    const dest = join(await tempDir(), 'set');
    const { url, requests } = await serve(release.directory);
    const argv = ['fetch', '--subset', 'viral', '--dest', dest, ...manifest, '--source', url, '-n'];
    const { code, stdout } = await runCli(argv);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Viral-1\.zip +to download +download +11 KB$/m);
    expect(stdout).toContain('2 files into ');
    expect(stdout).toMatch(/^disk: about 23 KB needed, /m);
    expect(stdout).toContain('nothing was written; `ccxri fetch --subset viral --dest ');
    await expect(listTree(dest)).rejects.toThrow('ENOENT');
    expect(requests).toEqual([]);
    const quiet = await runCli([...argv, '-q']);
    // What is free on the disk may change between the two.
    const masked = (text: string) => text.replace(/[\d.]+ [A-Z]+ free/, 'so much free');
    // The command has what was typed.
    expect(masked(quiet.stdout).replace(' --quiet', '')).toBe(masked(stdout));
    expect(quiet.stderr).toBe('');
  });

  it('#159 with nothing selected is code 2, and shows the subsets with their sizes', async () => {
    const { code, stdout, stderr } = await runCli(['fetch', ...manifest]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^ {2}- chestdx +2 archives +\d+ KB$/m);
    const whole = await runCli(['fetch']);
    expect(whole.stderr).toMatch(/^ {2}- all +82 archives +about 45\.1 GB$/m);
    const { stdout: json } = await runCli(['fetch', ...manifest, '--json']);
    const reasons = documentOf(json).errors[0]?.reasons ?? [];
    expect(reasons).toHaveLength(7);
  });

  it('never calls verified what passed by its content alone; --strict makes it code 8', async () => {
    const directory = await tempDir();
    const path = join(directory, 'disputed.json');
    const disputed = { md5: 'a'.repeat(32), md5Disputed: 'it is printed twice' };
    const files = release.manifest.files.map((file) =>
      ['Viral-1.zip', 'Other-1.zip'].includes(file.name) ? { ...file, ...disputed } : file,
    );
    await writeFile(path, JSON.stringify({ ...release.manifest, files }));
    const set = ['--dest', join(directory, 'set'), '--manifest', path];
    const fetch = ['fetch', '--subset', 'cc-cxri-p', ...set, '--source', release.directory];
    const names = 'Viral-1.zip, Other-1.zip';
    const said = `checked by content alone, not by MD5 (the published one is disputed): ${names}\n`;
    const first = await runCli(fetch);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toContain(said);
    expect(first.stderr).toContain('warning: Viral-1.zip passed by its content alone');
    expect(first.stderr).toMatch(/^\[\d\/\d\] Viral-1\.zip: downloaded, content-checked$/m);
    expect(first.stdout).toMatch(/^downloaded, content-checked +2$/m);
    const verify = await runCli(['verify', ...set, '-v']);
    expect(verify.code).toBe(0);
    expect(verify.stdout).toMatch(/^content-checked: the MD5 is disputed +2$/m);
    expect(verify.stdout).toMatch(/^Viral-1\.zip +content-checked +[0-9a-f]{32}$/m);
    expect((await runCli(['status', ...set])).stdout).toContain(said);
    for (const argv of [fetch, ['verify', ...set], ['status', ...set]]) {
      const strict = await runCli([...argv, '--strict', '--json']);
      expect(strict.code, argv[0]).toBe(8);
      const errors = documentOf(strict.stdout).errors;
      expect(errors.map(({ code, file }) => `${code} ${file ?? ''}`)).toEqual([
        'remarks Viral-1.zip',
        'remarks Other-1.zip',
      ]);
    }
  });

  it('is readable on a narrow terminal, and plain in a pipe', async () => {
    const dest = await fetched();
    const argv = ['fetch', '--subset', 'viral', '--dest', dest, ...manifest];
    const { stdout } = await runCli(argv, { columns: 20, env: { CI: '1', NO_COLOR: '1' } });
    expect(stdout).not.toContain('without a class');
    expect(stdout).toContain('images by class: ');
    expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
  });

  it('#168 shows no password, token or signed query, however verbose it is', async () => {
    const dest = join(await tempDir(), 'set');
    const { url } = await serve(release.directory);
    const { host } = new URL(url);
    const secrets = ['tok3n', 'pa55', 's1gned'];
    const argv = [
      ...[
        'fetch',
        '--file',
        'Normal-4',
        '--file',
        'Nothing',
        '--dest',
        dest,
        '-v',
        '--retries',
        '0',
      ],
      ...['--header', 'Authorization: Bearer tok3n', '--header', 'X-Api-Key: tok3n'],
      ...['--source', `http://user:pa55@${host}/nowhere/?sig=s1gned`],
      ...['--source', `http://user:pa55@${host}/?sig=s1gned`],
      ...manifest,
    ];
    const proxy = { http_proxy: `http://me:pa55@127.0.0.1:9/` };
    const good = argv.filter((_, i) => i !== 3 && i !== 4);
    for (const [line, env] of [
      [good, {}],
      [good, proxy],
      [argv, {}],
    ] as const) {
      for (const form of ['--no-progress', '--json', '--ndjson']) {
        const { stdout, stderr } = await runCli([...line, form], { env });
        expect(stdout + stderr).not.toBe('');
        for (const secret of secrets) expect(stdout + stderr).not.toContain(secret);
      }
    }
  });
});
