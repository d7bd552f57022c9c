import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { type DaemonKind, isInstalled, startDaemon } from './daemon.ts';

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
  /** For `auth_basic_user_file users`: `me:{PLAIN}secret`. */
  readonly users?: string;
  /** More directives for the `server` block. */
  readonly extra?: string;
}

const COMMAND = ['/usr/sbin/nginx', 'nginx'].find(
  (command) => spawnSync(command, ['-v']).status === 0,
);

export const NGINX: DaemonKind = {
  name: 'nginx',
  from: 'nginx-light',
  probe: [COMMAND ?? 'nginx', '-v'],
  command: (home) => [COMMAND ?? 'nginx', '-p', home, '-c', join(home, 'nginx.conf')],
  log: 'error.log',
};

export const hasNginx = isInstalled(NGINX);

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
  const daemon = await startDaemon(NGINX, (home, port) => ({
    'nginx.conf': configurationOf(home, port, options),
    users: options.users ?? '',
  }));
  return {
    ...daemon,
    requests: async () => parseLog(await readFile(join(daemon.home, 'access.log'), 'utf8')),
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
  limit_req_zone $server_port zone=often:1m rate=10r/s;
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
