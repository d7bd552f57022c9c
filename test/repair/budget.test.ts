import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { repairDataset } from '../../src/repair/repair-dataset.ts';
import { archiveOf, flipped } from '../support/damaged.ts';
import { destIn, manifestOf } from '../support/fetching.ts';
import { useNginx } from '../support/nginx.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();
const relays: Server[] = [];
afterEach(() => {
  for (const relay of relays.splice(0)) relay.close();
});

/** Passes everything on to a server, and counts the bytes that come back, heads included. */
async function countingRelay(port: number): Promise<{ url: string; bytes: () => number }> {
  let bytes = 0;
  const relay = createServer((client: Socket) => {
    const server = connect(port, '127.0.0.1');
    server.on('data', (piece) => (bytes += piece.length));
    for (const socket of [client, server]) socket.on('error', () => socket.destroy());
    client.pipe(server).pipe(client);
  });
  relays.push(relay);
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const address = relay.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}/`, bytes: () => bytes };
}

const MB = 1_000_000;
const MEMBERS = 500;
const archive = archiveOf('ChestDx-1.zip', { members: MEMBERS, bytes: 0.3 * MB });
const whole = archive.bytes.length;
/** The same on every machine, over the whole file: also in headers, and perhaps in the directory. */
const scattered = Array.from({ length: 30 }, (_, n) => (n * 99_991 * 997 + 12_345) % whole);

it.each([
  ['one flipped bit', flipped(archive.bytes, 77_777_777), MB],
  ['30 scattered bytes', flipped(archive.bytes, ...scattered), 15 * MB],
  ['a cut at 90 %', archive.bytes.subarray(0, Math.floor(whole * 0.9)), whole / 10 + MB],
])(
  'repairs %s of a 150 MB archive within its budget of bytes on the wire',
  async (_, damaged, budget) => {
    const [root, dest] = [await tempDir(), destIn(await tempDir())];
    const path = join(dest, 'archives', archive.name);
    await mkdir(join(dest, 'archives'), { recursive: true });
    await writeFile(join(root, archive.name), archive.bytes);
    await writeFile(path, damaged);
    const relay = await countingRelay(Number(new URL((await nginx({ root })).url).port));
    const manifest = manifestOf(archive);
    const { outcomes } = await repairDataset({ dest, manifest, sources: [relay.url] });
    // The MD5 is the published one.
    expect(outcomes).toMatchObject([{ did: 'repaired', status: 'verified' }]);
    expect((await readFile(path)).equals(archive.bytes)).toBe(true);
    expect(relay.bytes()).toBeLessThanOrEqual(budget);
    await rm(dest, { recursive: true });
  },
  60_000,
);
