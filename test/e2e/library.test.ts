import { mkdir, readdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { readVersion } from '../../src/fs/package-version.ts';
import { useProgram } from '../support/program.ts';
import { documentOf } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tempDir = useTempDirs();
const { command } = useProgram();

const FUNCTIONS = [
  'adoptDataset',
  'auditDataset',
  'checkSplit',
  'datasetStats',
  'datasetStatus',
  'describeRemark',
  'diagnose',
  'exportDataset',
  'extractDataset',
  'fetchDataset',
  'findFile',
  'isCcxriError',
  'joinDataset',
  'joinDirectories',
  'listDataset',
  'listMembers',
  'loadManifest',
  'makeManifest',
  'parseManifest',
  'queryImages',
  'renderImagesCsv',
  'repairDataset',
  'resolveLinks',
  'runDemo',
  'selectFiles',
  'serveDataset',
  'splitDataset',
  'subsetNames',
  'toChoiceLabel',
  'toErrorRecord',
  'verifyDataset',
  'writeReport',
];

describe('the library', () => {
  it('prints nothing when it is imported, keeps no process alive, and has its functions', async () => {
    const url = pathToFileURL(join(root, 'dist/bin/index.js')).href;
    const code = `const all = await import(${JSON.stringify(url)}); process.on('exit', () => process.send?.(0));`;
    const silent = await command(process.execPath, ['--input-type=module', '-e', code]);
    expect(silent).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const print = `console.log(JSON.stringify(Object.entries(all).map(([name, value]) => [name, typeof value])))`;
    const said = await command(process.execPath, ['--input-type=module', '-e', `${code}${print}`]);
    const exported = JSON.parse(said.stdout) as readonly (readonly [string, string])[];
    const functions = exported.filter(([, type]) => type === 'function').map(([name]) => name);
    expect(functions.filter((name) => name !== 'CcxriError').sort()).toEqual(FUNCTIONS);
    expect(exported.map(([name]) => name)).toContain('LABELS');
  });

  it('never touches process or console: the linter says so of src/, and its bundle agrees', async () => {
    const { outputFiles } = await build({
      entryPoints: [join(root, 'src/index.ts')],
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      write: false,
    });
    const code = outputFiles.map(({ text }) => text).join('');
    expect(code).toContain('fetchDataset');
    expect(code).not.toMatch(/\b(process\.(exit|stdout|stderr|on)|console\.)/);
  });
});

describe('the package', () => {
  let tarball: string;
  let home: string;
  beforeAll(async () => {
    home = join(root, 'node_modules/.cache/ccxri', `pack-${process.pid}`);
    await mkdir(home, { recursive: true });
    // Of dist/ as it was built before these tests.
    const packed = await command('npm', [
      'pack',
      '--ignore-scripts',
      '--json',
      '--pack-destination',
      home,
      root,
    ]);
    const [first] = JSON.parse(packed.stdout) as readonly { readonly filename: string }[];
    tarball = join(home, first?.filename ?? '');
    return async () => {
      await command('rm', ['-rf', home]);
    };
  });

  it('#174 holds what is needed and nothing of the workshop', async () => {
    const { stdout } = await command('tar', ['-tzf', tarball]);
    const files = stdout.trimEnd().split('\n');
    for (const file of ['dist/bin/ccxri.js', 'dist/bin/index.js', 'dist/index.d.ts', 'LICENSE']) {
      expect(files).toContain(`package/${file}`);
    }
    expect(files).toContain('package/manifests/cc-cxri.json');
    // Beside what is meant for readers: the build's note of what it was made from.
    const allowed =
      /^package\/(?:dist\/.+\.(?:js|d\.ts|txt)|docs\/(?:.+\.md|ccxri\.1)|(?:ARCHITECTURE|SECURITY)\.md|manifests\/(?:cc-cxri\.json|demo\/[\w-]+\.(?:zip|csv|json|html))|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/;
    expect(files.filter((file) => !allowed.test(file))).toEqual([]);
  });

  it('#174 holds each file as it lies here, byte by byte', async () => {
    const there = await tempDir();
    await command('tar', ['-xzf', tarball, '-C', there, '--strip-components=1']);
    const { stdout } = await command('diff', ['-rq', there, root]);
    expect(stdout.split('\n').filter((line) => !line.startsWith(`Only in ${root}`))).toEqual(['']);
  });

  it('installs as `ccxri`', async () => {
    const prefix = await tempDir();
    const install = ['install', '--global', '--prefix', prefix, '--prefer-offline', tarball];
    // As npm is set up on this machine: its registry, certificates and proxy.
    const own = Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || /^(?:ccxri_|npm_|vitest)/i.test(name) ? [] : [[name, value] as const],
    );
    const env = { ...Object.fromEntries(own), npm_config_audit: 'false' };
    const installed = await command('npm', install, env);
    expect(installed.code, installed.stderr).toBe(0);
    const program = join(prefix, 'bin/ccxri');
    expect(await command(program, ['--version'])).toMatchObject({ stdout: `${readVersion()}\n` });
    const list = await command(program, ['list', '--json']);
    expect(documentOf(list.stdout).counts).toEqual({ files: 84 });
    const page = await command('man', ['-M', join(prefix, 'share/man'), '-w', 'ccxri']);
    // It follows the link that npm has made.
    expect(page.stdout.trim()).toBe(await realpath(join(prefix, 'share/man/man1/ccxri.1')));
    // All packages are in it already.
    expect(await readdir(join(prefix, 'lib/node_modules'))).toEqual(['ccxri']);
    expect(await readdir(join(prefix, 'lib/node_modules/ccxri'))).not.toContain('node_modules');
  });

  it('has types that a strict program can be checked against', async () => {
    const project = await tempDir();
    await mkdir(join(project, 'node_modules/ccxri'), { recursive: true });
    const unpack = [
      '-xzf',
      tarball,
      '-C',
      join(project, 'node_modules/ccxri'),
      '--strip-components=1',
    ];
    await command('tar', unpack);
    await symlink(join(root, 'node_modules/@types'), join(project, 'node_modules/@types'));
    await writeFile(join(project, 'package.json'), '{ "type": "module" }');
    await writeFile(
      join(project, 'use.ts'),
      [
        "import { fetchDataset, loadManifest, type Clock, type FetchResult, type RunEvent } from 'ccxri';",
        'const events: RunEvent[] = [];',
        'export const result: Promise<FetchResult> = loadManifest().then((manifest) =>',
        "  fetchDataset({ manifest, dest: 'x', onEvent: (event) => events.push(event) }));",
        'export const first: number | undefined = (await result).outcomes[0]?.members ?? undefined;',
        'export const clock: Clock | undefined = undefined;',
        '// @ts-expect-error: a number is no directory',
        'void fetchDataset({ manifest: await loadManifest(), dest: 5 });',
        "import bundled from 'ccxri/manifests/cc-cxri.json' with { type: 'json' };",
        "import own from 'ccxri/package.json' with { type: 'json' };",
        'export const release: readonly [string, string] = [bundled.dataset, own.version];',
      ].join('\n'),
    );
    const compilerOptions = {
      noEmit: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      module: 'nodenext',
      target: 'es2023',
      types: ['node'],
      resolveJsonModule: true,
    };
    await writeFile(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['use.ts'] }),
    );
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const checked = await command(process.execPath, [tsc, '-p', project]);
    expect(checked).toMatchObject({ stdout: '', code: 0 });
    const read = [
      "import bundled from 'ccxri/manifests/cc-cxri.json' with { type: 'json' };",
      "import own from 'ccxri/package.json' with { type: 'json' };",
      'console.log(bundled.files.length, own.name);',
    ];
    await writeFile(join(project, 'read.mjs'), read.join('\n'));
    const ran = await command(process.execPath, [join(project, 'read.mjs')]);
    expect(ran).toMatchObject({ stdout: '84 ccxri\n', code: 0 });
  });
});
