import type { CutAnswers } from '../support/cutting-relay.ts';
import { type Daemon, type DaemonKind, freePort, startDaemon } from '../support/daemon.ts';
import { hasNginx, NGINX, startNginx } from '../support/nginx.ts';
import {
  APACHE,
  apache,
  apacheNodes,
  LIGHTTPD,
  lighttpd,
  SQUID,
  squid,
  TOMCAT,
  tomcat,
} from '../support/real-servers.ts';

/** A server from a package, in one of its settings. */
export interface RealServer {
  readonly name: string;
  readonly kind: DaemonKind;
  /** @param roots two copies of the same files */
  readonly start: (roots: Roots) => Promise<RunningServer>;
  /** Default: none, and each. */
  readonly cuts?: readonly CutAnswers[];
  /** With cuts, if there are any. Default: yes. */
  readonly isPlaced?: boolean;
  /** The codes that are right. Default: 0 alone. */
  readonly exit?: readonly number[];
  /** `user:password@` for the address. */
  readonly user?: string;
  /** Not in `npm test`. */
  readonly isLong?: boolean;
}

export type Roots = readonly [first: string, second: string];

interface RunningServer {
  readonly port: number;
  readonly stop: () => Promise<void>;
  /** The address of the server behind, where this one is a proxy. */
  readonly behind?: string;
}

const onNginx = (name: string, extra = '', more: Partial<RealServer> = {}): RealServer => ({
  name: `nginx, ${name}`,
  kind: NGINX,
  start: ([root]) => startNginx({ root, extra }),
  ...more,
});

const noRanges = { cuts: ['none'] } as const;
/** What came before a cut can't be continued. */
const anew = { cuts: ['first'], isPlaced: false } as const;

const NGINX_SERVERS: readonly RealServer[] = [
  onNginx('as it is'),
  onNginx('etag off', 'etag off;', { isLong: true }),
  onNginx('max_ranges 0', 'max_ranges 0;', noRanges),
  onNginx('max_ranges 0', 'max_ranges 0;', { ...anew, isLong: true }),
  onNginx('gzip on', 'gzip on; gzip_types *; gzip_min_length 1;', { isLong: true }),
  onNginx('two connections, else 503', 'limit_conn one 2;'),
  onNginx('one connection, else 429', 'limit_conn one 1; limit_conn_status 429;'),
  onNginx('ten requests a second, else 503', 'limit_req zone=often burst=2 nodelay;', {
    isLong: true,
  }),
  onNginx(
    'ten requests a second, else 429',
    'limit_req zone=often nodelay; limit_req_status 429;',
    { isLong: true },
  ),
  onNginx('basic auth', '', {
    start: ([root]) =>
      startNginx({
        root,
        users: 'me:{PLAIN}secret',
        extra: 'auth_basic "files"; auth_basic_user_file users;',
      }),
    user: 'me:secret@',
  }),
];

const onApache = (name: string, extra = '', more: Partial<RealServer> = {}): RealServer => ({
  name: `Apache httpd, ${name}`,
  kind: APACHE,
  start: ([root]) => startDaemon(APACHE, apache({ root, extra })),
  ...more,
});

async function startNodes(roots: Roots): Promise<Daemon> {
  const ports = [await freePort(), await freePort()];
  return startDaemon(APACHE, apacheNodes(roots, ports));
}

const DEFLATE = 'SetOutputFilter DEFLATE';

const APACHE_SERVERS: readonly RealServer[] = [
  onApache('as it is'),
  onApache('two nodes with ETags by inode behind a balancer', '', { start: startNodes }),
  onApache('FileETag None, Last-Modified unset', 'FileETag None\nHeader unset Last-Modified'),
  onApache('Accept-Ranges unset', 'Header unset Accept-Ranges', { isLong: true }),
  onApache('Range taken out of requests', 'RequestHeader unset Range', noRanges),
  onApache('Range taken out of requests', 'RequestHeader unset Range', { ...anew, isLong: true }),
  onApache('MaxRanges none', 'MaxRanges none', { ...noRanges, isLong: true }),
  onApache('deflate on', DEFLATE, { isLong: true }),
  onApache('deflate forced', `${DEFLATE}\nSetEnv force-gzip 1`, noRanges),
];

const onLighttpd = (name: string, extra = '', more: Partial<RealServer> = {}): RealServer => ({
  name: `lighttpd, ${name}`,
  kind: LIGHTTPD,
  start: ([root]) => startDaemon(LIGHTTPD, lighttpd({ root, extra })),
  ...more,
});

const LIGHTTPD_SERVERS: readonly RealServer[] = [
  onLighttpd('as it is'),
  onLighttpd('ranges off', 'server.range-requests = "disable"', noRanges),
  onLighttpd('ranges off', 'server.range-requests = "disable"', { ...anew, isLong: true }),
  onLighttpd('ETags off', 'static-file.etags = "disable"', { isLong: true }),
];

type TomcatSettings = Omit<Parameters<typeof tomcat>[0], 'root'>;

const onTomcat = (
  name: string,
  settings: TomcatSettings = {},
  more: Partial<RealServer> = {},
): RealServer => ({
  name: `Tomcat, ${name}`,
  kind: TOMCAT,
  start: ([root]) => startDaemon(TOMCAT, tomcat({ root, ...settings })),
  ...more,
});

const FORCED = 'compression="force" compressibleMimeType="application/zip" compressionMinSize="1"';

const TOMCAT_SERVERS: readonly RealServer[] = [
  onTomcat('as it is: weak ETags', {}, { cuts: ['none', 'each', 'first'] }),
  onTomcat('useAcceptRanges false', { servlet: { useAcceptRanges: 'false' } }, { isLong: true }),
  onTomcat('no sendfile', { servlet: { sendfileSize: '-1' } }, { isLong: true }),
  onTomcat(
    'compression forced',
    { connector: FORCED, servlet: { sendfileSize: '-1' } },
    { ...noRanges, isLong: true },
  ),
];

/** A proxy, and nginx behind it. */
const throughSquid = (name: string, extra = '', more: Partial<RealServer> = {}): RealServer => ({
  name: `Squid in front of nginx, ${name}`,
  kind: SQUID,
  start: async ([root]) => {
    const nginx = await startNginx({ root });
    const proxy = await startDaemon(SQUID, squid(extra));
    const stop = async () => {
      await Promise.all([nginx.stop(), proxy.stop()]);
    };
    return { port: proxy.port, stop, behind: nginx.url };
  },
  ...more,
});

const SQUID_SERVERS: readonly RealServer[] = [
  throughSquid('as it is'),
  throughSquid('whole files fetched for a range', 'range_offset_limit none', { isLong: true }),
  throughSquid('Range not passed on', 'request_header_access Range deny all', {
    ...noRanges,
    isLong: true,
  }),
];

export const REAL_SERVERS: readonly RealServer[] = [
  ...NGINX_SERVERS,
  ...APACHE_SERVERS,
  ...LIGHTTPD_SERVERS,
  ...TOMCAT_SERVERS,
  ...(hasNginx ? SQUID_SERVERS : []),
];
