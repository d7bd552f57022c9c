import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LineOptions {
  /** The server behind it, on this machine. */
  readonly port: number;
  readonly roundTripMs: number;
  readonly bytesPerSecond: number;
  /** A connection is reset after about this many bytes. Default: never. */
  readonly resetAfterBytes?: number | undefined;
}

export interface Line {
  readonly url: string;
  stop(): Promise<void>;
}

/** A long line in front of a server: each connection has its delay, its rate, and its resets. */
export async function startLine(options: LineOptions): Promise<Line> {
  const { port, roundTripMs, bytesPerSecond, resetAfterBytes = Infinity } = options;
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    // Spread, so that not all connections break at the same moment.
    let leftBytes = resetAfterBytes * (0.75 + Math.random() / 2);
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    const toClient = pace(bytesPerSecond, (bytes) => {
      leftBytes -= bytes;
      if (leftBytes <= 0) client.resetAndDestroy();
    });
    pipeline(client, delay(roundTripMs / 2), upstream).catch(end);
    pipeline(upstream, toClient, delay(roundTripMs / 2), client).catch(end);
    client.pause();
    // The handshake takes a round trip as well.
    setTimeout(() => client.resume(), roundTripMs);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const own = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${String(own)}`,
    stop: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Hands each chunk on after a while; chunks overlap. */
function delay(ms: number): Transform {
  const stream: Transform = new Transform({
    transform(chunk, _, done) {
      setTimeout(() => stream.push(chunk), ms);
      done();
    },
    flush(done) {
      setTimeout(done, ms);
    },
  });
  return stream;
}

function pace(bytesPerSecond: number, onBytes: (bytes: number) => void): Transform {
  let freeMs = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      freeMs = Math.max(freeMs, performance.now()) + (chunk.length / bytesPerSecond) * 1000;
      void sleep(freeMs - performance.now()).then(() => {
        onBytes(chunk.length);
        done(null, chunk);
      });
    },
  });
}
