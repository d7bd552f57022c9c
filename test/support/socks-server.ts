import { type Server, type Socket, connect, createServer } from 'node:net';
import { once } from 'node:events';
import { afterEach } from 'vitest';

export interface SocksOptions {
  /** Default: it wants none. */
  readonly login?: { readonly user: string; readonly password: string };
  /** Instead of a connection. Default: 0, success. */
  readonly reply?: number;
  /** Where names lead. Default: 127.0.0.1. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** It sends its bytes one by one. */
  readonly isSlow?: boolean;
}

export interface SocksServer {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** What it was asked for: `name x.example:80`, `ipv4 127.0.0.1:80`, `ipv6 …`. */
  readonly asked: readonly string[];
  readonly openSockets: () => number;
}

/** SOCKS5 proxies of a test file (RFC 1928, RFC 1929); all are closed after each test. */
export function useSocksServers(): (options?: SocksOptions) => Promise<SocksServer> {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.splice(0).map((server) => new Promise((end) => server.close(end))));
  });
  return async (options = {}) => {
    const asked: string[] = [];
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      serveOne(socket, options, asked).catch(() => socket.destroy());
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const at = server.address();
    if (at === null || typeof at === 'string') throw new Error('no port');
    return { address: `127.0.0.1:${at.port}`, asked, openSockets: () => sockets.size };
  };
}

async function serveOne(
  socket: Socket,
  { login, reply = 0, hosts = {}, isSlow = false }: SocksOptions,
  asked: string[],
): Promise<void> {
  const send = async (...bytes: readonly number[]) => {
    if (!isSlow) socket.write(Buffer.from(bytes));
    for (const byte of isSlow ? bytes : []) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const [, count = 0] = await take(socket, 2);
  const methods = [...(await take(socket, count))];
  const method = login === undefined ? 0 : 2;
  await send(5, methods.includes(method) ? method : 255);
  if (login !== undefined) {
    const [, userLength = 0] = await take(socket, 2);
    const user = (await take(socket, userLength)).toString();
    const [passwordLength = 0] = await take(socket, 1);
    const password = (await take(socket, passwordLength)).toString();
    const isRight = user === login.user && password === login.password;
    await send(1, isRight ? 0 : 1);
    if (!isRight) throw new Error('refused');
  }
  const [, , , kind] = await take(socket, 4);
  const [host, shown] = await readHost(socket, kind);
  const port = (await take(socket, 2)).readUInt16BE();
  asked.push(`${shown}:${port}`);
  const upstream = reply === 0 ? connect(port, hosts[host] ?? host) : undefined;
  if (upstream !== undefined) {
    const failed = await Promise.race([
      once(upstream, 'connect').then(() => false),
      once(upstream, 'close').then(() => true),
    ]).catch(() => true);
    upstream.on('error', () => socket.destroy());
    await send(5, failed ? 5 : 0, 0, 3, 3, 97, 98, 99, 0, 80);
    if (!failed) socket.pipe(upstream).pipe(socket);
  } else {
    await send(5, reply, 0, 1, 0, 0, 0, 0, 0, 0);
  }
}

async function readHost(socket: Socket, kind: number | undefined): Promise<[string, string]> {
  if (kind === 3) {
    const [length = 0] = await take(socket, 1);
    const name = (await take(socket, length)).toString();
    return [name, `name ${name}`];
  }
  const bytes = await take(socket, kind === 4 ? 16 : 4);
  const words = Array.from({ length: 8 }, (_, at) => bytes.subarray(2 * at, 2 * at + 2));
  const host =
    kind === 4 ? words.map((word) => word.readUInt16BE().toString(16)).join(':') : bytes.join('.');
  return [host, `${kind === 4 ? 'ipv6' : 'ipv4'} ${host}`];
}

/** Its rest is put back. */
async function take(socket: Socket, bytes: number): Promise<Buffer> {
  let taken = Buffer.alloc(0);
  while (taken.length < bytes) {
    const chunk: unknown = socket.read();
    if (Buffer.isBuffer(chunk)) taken = Buffer.concat([taken, chunk]);
    else if (socket.readableEnded) throw new Error('ended');
    else await Promise.race([once(socket, 'readable'), once(socket, 'end'), once(socket, 'close')]);
  }
  if (taken.length > bytes) socket.unshift(taken.subarray(bytes));
  return taken.subarray(0, bytes);
}
