import { execFile } from 'node:child_process';
import { homedir, platform } from 'node:os';
import { readVersion } from '../fs/package-version.ts';
import { type CheckResult, type Examination, type Subject, ok, warning } from './examination.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** npm makes attempts of its own; a registry that answers does so in a second or two. */
const MOST_MS = 15_000;
const MOST_BYTES = 64 * 1024;

/** What npm has said. */
interface Answer {
  readonly stdout: string;
  readonly stderr: string;
  /** It was not found, has failed, or took too long. */
  readonly error: Error | null;
}

/** Asks npm for the newest version. That it is not known is no fault of the machine, and a row like the others. */
export async function examineVersion(
  examination: Examination,
  subject: Subject,
  env: Environment,
): Promise<void> {
  const answer = await examination.attempt(subject, 'version', (signal) => askNpm(env, signal));
  if (answer !== undefined)
    examination.add(subject, 'version', judgeVersion(readVersion(), answer));
}

/** The client, for it knows the user's registry, proxy and CA. At home: here an .npmrc may be a stranger's. */
function askNpm(env: Environment, signal: AbortSignal): Promise<Answer> {
  const isWindows = platform() === 'win32';
  const options = {
    env: { ...env, npm_config_update_notifier: 'false' },
    cwd: homedir(),
    signal,
    timeout: MOST_MS,
    maxBuffer: MOST_BYTES,
    // There npm is a script; none of the words is anybody's but ours.
    shell: isWindows,
    windowsHide: true,
  };
  return new Promise((resolve) => {
    const args = ['view', 'ccxri', 'version', '--json', '--fetch-retries=0'];
    execFile(isWindows ? 'npm.cmd' : 'npm', args, options, (error, stdout, stderr) =>
      resolve({ error, stdout, stderr }),
    );
  });
}

const VERSION = /^\s*"?(\d+)\.(\d+)\.(\d+)(-[\w.-]+)?"?\s*$/;

/** @param own `0.1.0` */
export function judgeVersion(own: string, { stdout, stderr, error }: Answer): CheckResult {
  const newest = VERSION.exec(stdout);
  if (error !== null || newest === null) {
    const why = /\bE404\b/.test(stdout + stderr)
      ? "npm's registry has no ccxri"
      : isMissing(error)
        ? 'there is no npm to ask'
        : 'npm could not say it (no network?)';
    return ok(`ccxri ${own}; whether there is a newer one is not known: ${why}`);
  }
  const [, ...numbers] = newest;
  const name = numbers.slice(0, 3).join('.') + (numbers[3] ?? '');
  if (!isNewer(numbers, own)) return ok(`ccxri ${own}; npm has no newer one (${name})`);
  const text = `install it as you have installed this one, as by \`npm install -g ccxri@${name}\``;
  return warning(`ccxri ${own}; there is a newer one, ${name}`, [{ kind: 'advice', text }]);
}

function isMissing(error: Error | null): boolean {
  return error !== null && 'code' in error && error.code === 'ENOENT';
}

/** By the three numbers; a release counts more than what led to it. */
function isNewer(newest: readonly (string | undefined)[], own: string): boolean {
  const [, ...ours] = VERSION.exec(own) ?? [];
  for (const at of [0, 1, 2]) {
    const difference = Number(newest[at] ?? 0) - Number(ours[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return newest[3] === undefined && ours[3] !== undefined;
}
