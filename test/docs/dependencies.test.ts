import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { HOMES } from '../../scripts/import-rules.mjs';

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface Package extends Locked {
  readonly scripts: Readonly<Record<string, string>>;
}

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
const lock = JSON.parse(await read('package-lock.json')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};
const manifest = JSON.parse(await read('package.json')) as Package;
const { '': root = {}, ...packages } = lock.packages;
/** What the build puts into dist/: the packages that src/ imports, and what these need. */
const bundled = withDependencies(Object.keys(HOMES).filter((name) => !name.includes('/')));

function withDependencies(names: readonly string[]): readonly (readonly [string, Locked])[] {
  const found = new Map<string, Locked>();
  const add = (name: string) => {
    const path = `node_modules/${name}`;
    const entry = packages[path];
    if (entry === undefined) throw new Error(`package-lock.json has no ${path}`);
    if (found.has(path)) return;
    found.set(path, entry);
    Object.keys(entry.dependencies ?? {}).forEach(add);
  };
  names.forEach(add);
  return [...found];
}

describe('what comes along when ccxri is installed', () => {
  it('is nothing: what it needs is in dist/ already, and so nothing is there twice', () => {
    expect(manifest.dependencies).toBeUndefined();
    expect(Object.entries(packages).filter(([, { dev }]) => dev !== true)).toEqual([]);
  });
});

describe('#172 the lock file', () => {
  it('names what package.json asks for', () => {
    expect(root.dependencies).toEqual(manifest.dependencies);
    expect(root.devDependencies).toEqual(manifest.devDependencies);
  });

  it('knows every package by its digest, and none by an address of its own', () => {
    // Without an address it comes from the registry that npm is set to (.npmrc leaves them out).
    const unknown = Object.entries(packages).filter(
      ([, { integrity, resolved }]) =>
        integrity?.startsWith('sha512-') !== true || resolved !== undefined,
    );
    expect(unknown.map(([path]) => path)).toEqual([]);
  });

  it('is what is installed here, package by package', async () => {
    const installed = await Promise.all(
      bundled.map(async ([path]) => {
        const { version } = JSON.parse(await read(`${path}/package.json`)) as Locked;
        return [path, version];
      }),
    );
    expect(installed).toEqual(bundled.map(([path, { version }]) => [path, version]));
    expect(bundled.map(([path]) => path)).toContain('node_modules/yauzl');
  });

  it('has no yauzl of before the fix of 3.2.1, and the undici that Node 20 can run', () => {
    const versionOf = (name: string) =>
      (packages[`node_modules/${name}`]?.version ?? '').split('.').map(Number);
    const [major = 0, minor = 0, patch = 0] = versionOf('yauzl');
    expect(major * 1e6 + minor * 1e3 + patch).toBeGreaterThanOrEqual(3_002_001);
    expect(versionOf('undici')[0]).toBe(7);
  });

  it('is what CI installs by, without running scripts', async () => {
    expect(await read('.ci/run')).toMatch(/^step npm ci --ignore-scripts$/m);
  });
});

describe('#173 nothing runs while ccxri is installed', () => {
  it('of what is built in', () => {
    expect(bundled.length).toBeGreaterThan(8);
    expect(bundled.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([]);
  });

  it('of its own: `prepare` runs where it is installed from git or a clone, and only builds', () => {
    const scripts = ['preinstall', 'install', 'postinstall', 'preprepare', 'postprepare'];
    expect(scripts.filter((name) => name in manifest.scripts)).toEqual([]);
    expect(manifest.scripts['prepare']).toBe(
      'node scripts/ensure-installed.mjs && tsx scripts/build.ts --if-stale',
    );
  });
});
