import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { afterEach } from 'vitest';

/** A server as seen through a counter. */
export interface ByteCounter {
  readonly url: string;
  /** All that the server has sent so far, heads of responses among it. */
  readonly bytes: () => number;
}

/** Counts what servers of a test file send, on the wire; all counters are closed after each test. */
export function useByteCounter(): (server: { readonly port: number }) => Promise<ByteCounter> {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers.splice(0)) server.close();
  });
  return async ({ port }) => {
    let bytes = 0;
    const server = createServer((client) => {
      const upstream = connect(port, '127.0.0.1');
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
      upstream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return { url: `http://127.0.0.1:${address.port}/`, bytes: () => bytes };
  };
}
