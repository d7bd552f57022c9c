import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach } from 'vitest';

/** One request as nginx has logged it. */
export interface NginxRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly bytes: number;
  /** `OK`, or nothing where the connection broke before the answer's end. */
  readonly completion: string;
  readonly range: string;
  readonly ifRange: string;
  readonly authorization: string;
}

export interface Nginx {
  readonly url: string;
  readonly port: number;
  /** What it has answered so far, in order. Written when an answer has ended. */
  requests(): Promise<readonly NginxRequest[]>;
  stop(): Promise<void>;
}

export interface NginxOptions {
  readonly root: string;
  readonly autoindex?: boolean;
  /** Of a connection, as nginx has it: `1m`. */
  readonly limitRate?: string;
  /** How much it hands to the system ahead of the reader, a connection: `64k`. Default: the system's. */
  readonly sendBuffer?: string;
  /** More directives for the `server` block. */
  readonly extra?: string;
}

const COMMAND = ['/usr/sbin/nginx', 'nginx'].find(
  (command) => spawnSync(command, ['-v']).status === 0,
);

export const hasNginx = COMMAND !== undefined;
if (!hasNginx) {
  console.warn('SKIPPED: nginx is not here (apt-get install nginx-light); its tests do not run');
}

/** nginx for the tests of a file, each on a free port; all are stopped after each test. */
export function useNginx(): (options: NginxOptions) => Promise<Nginx> {
  const started: Nginx[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((nginx) => nginx.stop()));
  });
  return async (options) => {
    const nginx = await startNginx(options);
    started.push(nginx);
    return nginx;
  };
}

/** @throws Error with what nginx said, where it does not start */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  if (COMMAND === undefined) throw new Error('nginx is not installed');
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const home = await mkdtemp(join(tmpdir(), 'ccxri-nginx-'));
    await writeFile(join(home, 'nginx.conf'), configurationOf(home, port, options));
    const child = spawn(COMMAND, ['-p', home, '-c', join(home, 'nginx.conf')], { stdio: 'ignore' });
    if (await isUp(child, port)) return toNginx(child, home, port);
    const said = await readFile(join(home, 'error.log'), 'utf8').catch(() => 'nothing');
    await end(child);
    await rm(home, { recursive: true, force: true });
    // Another process may have taken the port meanwhile.
    if (attempt === 5 || !/in use/.test(said)) throw new Error(`nginx does not start: ${said}`);
  }
}

function toNginx(child: ChildProcess, home: string, port: number): Nginx {
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests: async () => parseLog(await readFile(join(home, 'access.log'), 'utf8')),
    stop: async () => {
      await end(child);
      await rm(home, { recursive: true, force: true });
    },
  };
}

function configurationOf(home: string, port: number, options: NginxOptions): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${home}/${name};`)
    .join('\n  ');
  return `
daemon off;
master_process off;
worker_processes 1;
pid ${home}/nginx.pid;
error_log ${home}/error.log notice;
events { worker_connections 256; }
http {
  ${temporary}
  log_format seen escape=json '{"method":"$request_method","path":"$request_uri","status":$status,'
    '"bytes":$body_bytes_sent,"completion":"$request_completion",'
    '"range":"$http_range","ifRange":"$http_if_range",'
    '"authorization":"$http_authorization"}';
  access_log ${home}/access.log seen;
  types { text/html html; text/csv csv; application/zip zip; }
  default_type application/octet-stream;
  limit_conn_zone $server_port zone=one:1m;
  sendfile on;
  keepalive_timeout 15;
  server {
    listen 127.0.0.1:${port}${options.sendBuffer === undefined ? '' : ` sndbuf=${options.sendBuffer}`};
    root "${options.root}";
    ${options.autoindex === true ? 'autoindex on;' : ''}
    ${options.limitRate === undefined ? '' : `limit_rate ${options.limitRate};`}
    ${options.extra ?? ''}
  }
}
`;
}

function parseLog(text: string): readonly NginxRequest[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as NginxRequest);
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
  for (let tries = 0; tries < 500 && child.exitCode === null; tries += 1) {
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

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}
