// Installs what package-lock.json names, where that has not been done: `npm test`, `npm run demo` and
// `npm install -g .` are each enough by themselves on a fresh clone. Plain JavaScript without imports from packages,
// for there may be none yet.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const lock = `${root}package-lock.json`;
/** What npm leaves when it has finished an installation. */
const installed = `${root}node_modules/.package-lock.json`;

function assertNode() {
  const oldest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).engines.node.slice(2);
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [needMajor, needMinor] = oldest.split('.').map(Number);
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  console.error(`error: this needs Node ${oldest} or newer; this is ${process.versions.node}`);
  process.exit(2);
}

function isUpToDate() {
  // With `npm ci --omit=dev` there is nothing to build with.
  if (!existsSync(`${root}node_modules/tsx`) || !existsSync(installed)) return false;
  return statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
}

/** `npm ci` empties node_modules first, so it is only for where there is none. */
function install() {
  const command = existsSync(installed) ? ['install', '--no-save'] : ['ci'];
  console.error(`installing what package-lock.json names: npm ${command.join(' ')}`);
  const npm = process.env['npm_execpath'];
  const [program, first] = npm === undefined ? ['npm', []] : [process.execPath, [npm]];
  const { status, error } = spawnSync(
    program,
    // As a script of `npm install -g` or `--omit=dev`, it has their settings in its environment.
    [...first, ...command, '--ignore-scripts', '--no-global', '--include=dev'],
    {
      cwd: root,
      // stdout is the result of whoever runs this (`npm run --silent …`).
      stdio: ['ignore', 2, 2],
    },
  );
  if (error !== undefined) console.error(`error: could not start npm: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
  utimesSync(installed, new Date(), new Date());
}

assertNode();
if (!isUpToDate()) install();
