import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server from a package, which runs in the foreground and keeps its files under one directory. */
export interface DaemonKind {
  readonly name: string;
  /** The Debian package that has it. */
  readonly from: string;
  /** Whether it is here. */
  readonly probe: readonly [command: string, ...args: string[]];
  readonly command: (home: string) => readonly [command: string, ...args: string[]];
  /** Where it says why it does not start, below its directory. */
  readonly log: string;
  /** Folders that it wants to find, below its directory. */
  readonly folders?: readonly string[];
}

/** Configuration files by their path below the directory of the server. */
export type Configuration = (home: string, port: number) => Readonly<Record<string, string>>;

export interface Daemon {
  readonly url: string;
  readonly port: number;
  readonly home: string;
  stop(): Promise<void>;
}

/** Of what is here. */
export function versionOf({ probe: [command, ...args] }: DaemonKind): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return /\d+(?:\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? 'of an unknown version';
}

/** In CI each of them must be here. */
export function isInstalled({ name, from, probe: [command, ...args] }: DaemonKind): boolean {
  const { status } = spawnSync(command, args, { stdio: 'ignore' });
  if (status === 0) return true;
  const said = `${name} is not here (apt-get install ${from})`;
  if (process.env['CCXRI_CI'] === '1') throw new Error(said);
  console.warn(`SKIPPED: ${said}; its tests do not run`);
  return false;
}

/** @throws Error with what it said, where it does not start */
export async function startDaemon(kind: DaemonKind, configure: Configuration): Promise<Daemon> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const home = await mkdtemp(join(tmpdir(), `ccxri-${kind.name}-`));
    // Some give up the rights of root for those of a user of their own.
    await chmod(home, 0o755);
    for (const folder of kind.folders ?? []) await mkdir(join(home, folder), { mode: 0o777 });
    for (const [path, text] of Object.entries(configure(home, port))) {
      await mkdir(dirname(join(home, path)), { recursive: true });
      await writeFile(join(home, path), text);
    }
    const [command, ...args] = kind.command(home);
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: home });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream
        .setEncoding('utf8')
        .on('data', (text: string) => (said = `${said}${text}`.slice(-4000)));
    }
    const stop = async () => {
      await endChild(child);
      await rm(home, { recursive: true, force: true });
    };
    if (await isUp(child, port)) return { url: `http://127.0.0.1:${port}`, port, home, stop };
    said += await readFile(join(home, kind.log), 'utf8').catch(() => '');
    await stop();
    // Another process may have taken the port meanwhile.
    if (attempt === 5 || !/in use/i.test(said)) {
      throw new Error(`${kind.name} does not start: ${said}`);
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function isUp(child: ChildProcess, port: number): Promise<boolean> {
  for (let tries = 0; tries < 3000 && child.exitCode === null; tries += 1) {
    if (await canConnect(port)) return true;
    await sleep(10);
  }
  return false;
}

async function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(timer);
}
