import { spawn, spawnSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { md5Of } from '../support/fetching.ts';

export const RIVALS = ['curl', 'wget', 'aria2c'] as const;
export type Rival = (typeof RIVALS)[number];

/** With its version; undefined: it is not here. */
export function versionOf(rival: Rival): string | undefined {
  const { status, stdout } = spawnSync(rival, ['--version'], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  return /\d+\.\d+(\.\d+)?/.exec(stdout)?.[0];
}

export interface Fetched {
  readonly url: string;
  readonly name: string;
  readonly directory: string;
  readonly md5: string;
  /** Variables: a proxy. */
  readonly env?: Readonly<Record<string, string>>;
}

const TRIES = 10;
/** curl's --retry begins anew each time: a user runs it again, as the manual of -C says. */
const CURL = `for n in $(seq ${TRIES}); do curl -sS -f -L -g -C - --max-time 20 -o "$0" "$1" && exit; code=$?; done; exit $code`;

function commandOf(rival: Rival, { url, name, directory }: Fetched): readonly string[] {
  switch (rival) {
    case 'curl':
      return ['bash', '-c', CURL, join(directory, name), url];
    case 'wget':
      return [
        'wget',
        '-nv',
        '-c',
        `--tries=${TRIES}`,
        '--waitretry=0',
        '--timeout=5',
        '--retry-connrefused',
        '--retry-on-http-error=429,500,502,503,504',
        ...['-P', directory, url],
      ];
    case 'aria2c':
      return [
        'aria2c',
        '--no-conf',
        '-q',
        '-c',
        '-x4',
        '-s4',
        '-k1M',
        `--max-tries=${TRIES}`,
        '--retry-wait=0',
        '--timeout=5',
        '--connect-timeout=5',
        '--max-resume-failure-tries=5',
        ...['-d', directory, '-o', name, url],
      ];
  }
}

const LIMIT_MS = 30_000;

/** Runs it to its end, with the options of somebody who wants the file. */
export async function runRival(rival: Rival, fetched: Fetched) {
  await mkdir(fetched.directory, { recursive: true });
  const [command = '', ...args] = commandOf(rival, fetched);
  const { PATH, LANG } = process.env;
  const child = spawn(command, args, {
    env: { PATH, LANG, HOME: fetched.directory, ...fetched.env },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let error = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text));
  const timer = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, LIMIT_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearTimeout(timer);
  const bytes = await readFile(join(fetched.directory, fetched.name)).catch(() => undefined);
  const isRight = bytes !== undefined && md5Of(bytes) === fetched.md5;
  const last = error.trim().split('\n').at(-1) ?? '';
  return { exit: code ?? 'no end', isRight, error: last };
}
