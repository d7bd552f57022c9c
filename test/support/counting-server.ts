import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type ServerResponse, createServer, type Server } from 'node:http';
import { basename, join } from 'node:path';
import { afterEach } from 'vitest';

/** What was asked for and sent. */
interface Traffic {
  readonly requests: number;
  /** Of bodies, as they were written to the wire. */
  readonly bodyBytes: number;
}

export interface CountingServer {
  /** `http://127.0.0.1:PORT`, no slash behind it. */
  readonly url: string;
  /** Of one file, by its name. */
  of(name: string): Traffic;
  total(): Traffic;
  /** From now on each answer is the whole file. */
  refuseRanges(): void;
}

/** Directories served with ranges on loopback, each byte counted; all servers are closed after each test. */
export function useCountingServers(): (root: string) => Promise<CountingServer> {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });
  return async (root) => {
    const traffic = new Map<string, { requests: number; bodyBytes: number }>();
    let servesRanges = true;
    const of = (name: string) => {
      const known = traffic.get(name) ?? { requests: 0, bodyBytes: 0 };
      traffic.set(name, known);
      return known;
    };
    const server = createServer((request, response) => {
      const name = basename(decodeURIComponent(request.url ?? '/'));
      const counted = of(name);
      counted.requests += 1;
      const range = servesRanges ? request.headers.range : undefined;
      void send(join(root, name), range, response, (bytes) => {
        counted.bodyBytes += bytes;
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return {
      url: `http://127.0.0.1:${address.port}`,
      of: (name) => ({ ...of(name) }),
      total: () => {
        const all = [...traffic.values()];
        return {
          requests: all.reduce((sum, { requests }) => sum + requests, 0),
          bodyBytes: all.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0),
        };
      },
      refuseRanges: () => {
        servesRanges = false;
      },
    };
  };
}

async function send(
  path: string,
  range: string | undefined,
  response: ServerResponse,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile() !== true) {
    response.writeHead(404).end();
    return;
  }
  const { size, mtimeMs } = stats;
  const validators = { etag: `"${size}-${mtimeMs}"`, 'last-modified': stats.mtime.toUTCString() };
  const span = spanOf(range, size);
  const [from, to] = span ?? [0, size];
  const partial = { 'content-range': `bytes ${from}-${to - 1}/${size}` };
  const length = { ...validators, 'content-length': to - from };
  response.writeHead(
    span === undefined ? 200 : 206,
    span === undefined ? length : { ...length, ...partial },
  );
  createReadStream(path, { start: from, end: Math.max(from, to - 1) })
    .on('data', (piece) => onBytes(piece.length))
    .pipe(response);
}

/** The bytes asked for, to before the second. */
function spanOf(range: string | undefined, size: number): readonly [number, number] | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(range ?? '');
  const [, from = '', last = ''] = found ?? [];
  if (found === null || (from === '' && last === '')) return undefined;
  if (from === '') return [Math.max(0, size - Number(last)), size];
  return [Number(from), last === '' ? size : Math.min(size, Number(last) + 1)];
}
