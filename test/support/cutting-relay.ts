import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach } from 'vitest';

/** Which answers end early: those that are long enough for it. */
export type CutAnswers = 'none' | 'each' | 'first';

export interface RelayOptions {
  /** The server behind it, on this machine. */
  readonly port: number;
  readonly cut?: CutAnswers;
  /** Of an answer that does not say how long it is. */
  readonly unsizedBytes?: number;
}

export interface CuttingRelay {
  readonly url: string;
  readonly port: number;
  /** Bytes that clients were sent, heads included. */
  readonly sentBytes: () => number;
  readonly connections: () => number;
}

/** Shorter answers pass whole. */
const CUT_BYTES = 256 * 1024;
const CUT_SHARE = 0.6;
const PIECE_BYTES = 64 * 1024;

/** Relays in front of HTTP servers that count what passes, and cut answers; closed after each test. */
export function useCuttingRelays() {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(closers.splice(0).map((close) => close()));
  });
  return async (options: RelayOptions): Promise<CuttingRelay> => {
    const sockets = new Set<Socket>();
    let [sentBytes, connections] = [0, 0];
    const cutter = answerCutter(options);
    const server = createServer({ noDelay: true }, (client) => {
      const upstream = connect(options.port, '127.0.0.1');
      connections += 1;
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
      client.pipe(upstream);
      void relayAnswers({ client, upstream, leftOf: cutter() }, (bytes) => {
        sentBytes += bytes;
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    closers.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return {
      url: `http://127.0.0.1:${address.port}`,
      port: address.port,
      sentBytes: () => sentBytes,
      connections: () => connections,
    };
  };
}

/** Of one connection: how many bytes of a chunk may pass, where fewer than all the connection ends. */
type PassingBytes = (chunk: Buffer) => number;

/** Reads the heads of answers to know where 60 % of a body ends. */
function answerCutter({ cut = 'none', unsizedBytes = 0 }: RelayOptions): () => PassingBytes {
  let isSpent = cut === 'none';
  return () => {
    let head = '';
    let [bodyLeft, passLeft] = [0, Infinity];
    return (chunk) => {
      let at = 0;
      while (at < chunk.length) {
        if (bodyLeft === 0) {
          const before = head.length;
          head += chunk.toString('latin1', at);
          const end = head.indexOf('\r\n\r\n');
          if (end < 0) return chunk.length;
          at += end + 4 - before;
          const length = /^content-length: *(\d+)/im.exec(head.slice(0, end))?.[1];
          bodyLeft = length === undefined ? unsizedBytes : Number(length);
          head = '';
          const isCut = !isSpent && bodyLeft >= CUT_BYTES;
          passLeft = isCut ? Math.floor(bodyLeft * CUT_SHARE) : Infinity;
          if (isCut && cut === 'first') isSpent = true;
        }
        const here = Math.min(bodyLeft, chunk.length - at);
        if (passLeft <= here) return at + passLeft;
        at += here;
        bodyLeft -= here;
        passLeft -= here;
      }
      return chunk.length;
    };
  };
}

interface Ends {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly leftOf: PassingBytes;
}

async function relayAnswers(
  { client, upstream, leftOf }: Ends,
  onSent: (bytes: number) => void,
): Promise<void> {
  try {
    for await (const chunk of upstream) {
      if (!Buffer.isBuffer(chunk)) continue;
      const passing = leftOf(chunk);
      for (let at = 0; at < passing; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, Math.min(passing, at + PIECE_BYTES));
        if (client.destroyed) return;
        await new Promise((resolve) => client.write(piece, resolve));
        onSent(piece.length);
        await sleep(1);
      }
      if (passing < chunk.length) break;
    }
    client.end();
  } catch {
    client.destroy();
  } finally {
    upstream.destroy();
  }
}
