// Builds dist/: the command line and the library as small entries with chunks that are loaded when needed
// (dist/bin/), all packages included, and the library's types (dist/index.d.ts).
//
//   tsx scripts/build.ts              both, and does not check the types
//   tsx scripts/build.ts --bin        the code alone, in half a second
//   tsx scripts/build.ts --if-stale   nothing, where dist/ is newer than all it is made of
import { chmod, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, type Plugin, build } from 'esbuild';
import { publicTypes } from './public-types.ts';
import { noticesOf } from './third-party.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
/** What dist/ is made of. */
const INPUTS = ['src', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json'];
/** Written last: the build that holds it is whole. */
const STAMP = '.built';

async function main(flags: readonly string[]): Promise<void> {
  const wants = flags.includes('--bin') ? 'bin' : 'all';
  if (flags.includes('--if-stale') && (await isFresh(wants))) return;
  // Made aside and swapped in: who runs dist/ meanwhile never meets half a build.
  const fresh = join(root, 'node_modules/.cache/ccxri', `dist-${process.pid}`);
  try {
    await buildBin(join(fresh, 'bin'));
    if (wants === 'all') await writeTypes(fresh);
    await writeFile(join(fresh, STAMP), `${wants}\n`);
    const old = `${fresh}-old`;
    await rename(dist, old).catch(() => undefined);
    await rename(fresh, dist);
    await rm(old, { recursive: true, force: true });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/**
 * Every schema of zod carries the methods that turn it into JSON Schema: 25 KB that each start would load, and
 * nothing here calls.
 */
const WITHOUT_JSON_SCHEMA: Plugin = {
  name: 'without-json-schema',
  setup(bundler) {
    bundler.onLoad(
      { filter: /zod\/v4\/core\/(?:to-json-schema|json-schema-processors)\.js$/ },
      async ({ path }) => {
        const source = await readFile(path, 'utf8');
        const names = [...source.matchAll(/^export (?:const|function) (\w+)/gm)].map(
          ([, name]) => name,
        );
        const left = "const left = () => { throw new Error('JSON Schema is not in this build'); };";
        // Called when a schema is made, for the method that it will have.
        const made = 'const made = () => left;';
        const stubs = names.map(
          (name = '') => `export const ${name} = ${/^create/.test(name) ? 'made' : 'left'};`,
        );
        return { contents: [left, made, ...stubs].join('\n') };
      },
    );
  },
};

async function buildBin(outdir: string): Promise<void> {
  await mkdir(outdir, { recursive: true });
  const common: BuildOptions = {
    absWorkingDir: root,
    outdir,
    bundle: true,
    // Optional: who decodes or resizes images installs it.
    external: ['sharp'],
    plugins: [WITHOUT_JSON_SCHEMA],
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
    // CommonJS packages ask for Node's own modules with `require`, which an ES module lacks.
    banner: {
      js: "import{createRequire as ccxriCreateRequire}from'node:module';const require=ccxriCreateRequire(import.meta.url);",
    },
  };
  const programs = await build({
    ...common,
    entryPoints: { ccxri: 'src/cli/main.ts', index: 'src/index.ts' },
    // `--version` loads the entry alone; a command loads its own chunks.
    splitting: true,
    // All in one folder: version.ts and the manifest's path count on dist/bin/ being two deep.
    chunkNames: '[name]-[hash]',
    metafile: true,
  });
  // A thread is started by the name of a file, which has all of its code: what it shared with the program would be
  // a chunk of its own each time, and a program that may have few files open could not start.
  const threads = await build({
    ...common,
    entryPoints: {
      'hash-worker': 'src/hash/hash-worker.ts',
      'unpack-worker': 'src/zip/unpack-worker.ts',
      'load-worker': 'src/zip/load-worker.ts',
      'take-worker': 'src/adopt/take-worker.ts',
    },
    metafile: true,
  });
  const inputs = [programs, threads].flatMap(({ metafile }) => Object.keys(metafile.inputs));
  await chmod(join(outdir, 'ccxri.js'), 0o755);
  await writeFile(
    join(outdir, 'THIRD-PARTY-NOTICES.txt'),
    await noticesOf(root, [...new Set(inputs)]),
  );
}

async function writeTypes(outdir: string): Promise<void> {
  const { text, missing } = publicTypes(join(root, 'src/index.ts'), root);
  if (missing.length > 0) throw new Error(`src/index.ts does not export ${missing.join('; ')}`);
  await writeFile(join(outdir, 'index.d.ts'), text);
}

async function isFresh(wants: 'bin' | 'all'): Promise<boolean> {
  const built = await mtimeOf(join(dist, STAMP));
  if (built === undefined) return false;
  if (wants === 'all' && (await mtimeOf(join(dist, 'index.d.ts'))) === undefined) return false;
  for (const input of INPUTS) {
    for (const path of await walk(join(root, input))) {
      if (((await mtimeOf(path)) ?? Infinity) > built) return false;
    }
  }
  return true;
}

/** A path and all below it: a folder's own time tells of files that were removed. */
async function walk(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const below = await readdir(path, { recursive: true });
  return [path, ...below.map((name) => join(path, name))];
}

async function mtimeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.mtimeMs;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  // esbuild has shown what is wrong, and where.
  console.error(`the build failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
