import { mkdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { Session } from '../../src/dataset/session.ts';
import { runTransfer } from '../../src/download/transfer.ts';
import type { RunEvent } from '../../src/events.ts';
import { ProgressThrottle } from '../../src/progress-throttle.ts';
import { toRun } from '../../src/fetch/with-downloads.ts';
import { HttpClient } from '../../src/http/client.ts';
import { destIn, manifestOf } from '../support/fetching.ts';
import { big, isProbe } from '../support/ranged-fetch.ts';
import { honest, useRawServers } from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();

it('where a listener throws, no connection goes on writing to a part that others close then', async () => {
  let hanging = 0;
  let bothHang: () => void = () => undefined;
  const hang = new Promise<void>((resolve) => {
    bothHang = resolve;
  });
  const server = await serve(async (request, reply) => {
    const bytes = honest(big.bytes, request);
    if (isProbe(request)) return reply.send(bytes);
    await reply.send(bytes.subarray(0, 100_000));
    hanging += 1;
    if (hanging === 2) bothHang();
    if (hanging <= 2) return reply.hang();
    await hang;
    reply.reset();
    return undefined;
  });
  const listened = new Error('of a listener');
  const manifest = manifestOf(big);
  const [file] = manifest.files;
  if (file === undefined) throw new Error('no file');
  const options = {
    dest: destIn(await tempDir()),
    manifest,
    connections: 3,
    onEvent: ({ event }: RunEvent) => {
      if (event === 'retry') throw listened;
    },
  };
  const session = new Session(options);
  await mkdir(session.layout.partial, { recursive: true });
  // Far longer than a test may take: what hangs goes on hanging.
  const client = new HttpClient({ timeoutMs: 300_000, clock: session.clock });
  const { downloads: context } = toRun({ session, options }, client, []);
  const part = await session.parts.open({ name: file.name, md5: file.md5 });
  try {
    const progress = new ProgressThrottle(context.clock, context.onEvent);
    const transfer = { file, part, context, progress };
    const url = `${server.url}/${file.name}`;
    const source = {
      location: { kind: 'url', url },
      locateAgain: () => Promise.resolve(undefined),
    } as const;
    await expect(runTransfer(transfer, source)).rejects.toBe(listened);
    await expect.poll(() => server.connections().open, { timeout: 10_000 }).toBeLessThan(2);
  } finally {
    await part.leave();
    await client.close();
    await session.close();
  }
});
