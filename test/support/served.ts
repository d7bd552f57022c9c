import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach } from 'vitest';

export interface ServedDirectory {
  readonly url: string;
  /** `GET /ChestDx-1.zip` of every request. */
  readonly requests: readonly string[];
}

export interface ServeOptions {
  /** Of each file only so many bytes come, then nothing more until the connection is dropped. */
  readonly stallAfterBytes?: number;
}

/** Directories served by node:http on loopback; all servers are closed after each test. */
export function useServedDirectory() {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });
  return async (root: string, options: ServeOptions = {}): Promise<ServedDirectory> => {
    const requests: string[] = [];
    const server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname);
      requests.push(`${request.method ?? ''} ${path}`);
      stat(join(root, path)).then(
        (found) => {
          if (!found.isFile()) {
            response.writeHead(404).end();
            return;
          }
          const { size } = found;
          const { stallAfterBytes } = options;
          response.writeHead(200, { 'content-length': size, 'content-type': typeOf(path) });
          if (stallAfterBytes === undefined || size <= stallAfterBytes) {
            createReadStream(join(root, path)).pipe(response);
            return;
          }
          const end = stallAfterBytes - 1;
          createReadStream(join(root, path), { end }).pipe(response, { end: false });
        },
        () => response.writeHead(404).end(),
      );
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return { url: `http://127.0.0.1:${address.port}/`, requests };
  };
}

function typeOf(path: string): string {
  if (path.endsWith('.html')) return 'text/html';
  return path.endsWith('.zip') ? 'application/zip' : 'text/csv';
}
