import { describe, expect, it } from 'vitest';
import { destIn, manifestOf, run, sampleArchive } from '../support/fetching.ts';
import { saying } from '../support/matchers.ts';
import { answer, honest, sloppy, useRawServers } from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const a = sampleArchive('ChestDx-1.zip', { bytes: 3_000_000 });
const b = sampleArchive('ChestDx-2.zip', { bytes: 2_000_000 });

describe('#194 a server with sloppy HTTP', () => {
  it('serves several files over several ranges, one connection at a time', async () => {
    let open = 0;
    let most = 0;
    const server = await serve(async (request, reply) => {
      const { bytes } = request.path === `/${a.name}` ? a : b;
      // Those of undici, before it is known what the server is like.
      const isLenient = request.headers['connection'] === 'close';
      if (isLenient) most = Math.max(most, (open += 1));
      await reply.send(sloppy(honest(bytes, request)));
      if (isLenient) open -= 1;
    });
    const dest = destIn(await tempDir());
    const sources = [`${server.url}/{name}`];
    const ran = await run({ dest, manifest: manifestOf(a, b), sources });
    expect(ran.exit).toBe(0);
    expect(most).toBe(1);
    expect(ran.result?.bytesDownloaded).toBeLessThan(1.05 * 5_000_000 + 1_000_000);
    expect(ran.events.filter(({ event }) => event === 'warning')).toMatchObject([
      { code: 'sloppy-http' },
    ]);
  });

  it('resumes after cuts', async () => {
    const server = await serve(async (request, reply) => {
      const response = sloppy(honest(a.bytes, request));
      await reply.send(response.subarray(0, Math.min(response.length, 1_000_000)));
      reply.end();
    });
    const dest = destIn(await tempDir());
    const sources = [`${server.url}/{name}`];
    const ran = await run({ dest, manifest: manifestOf(a), sources });
    expect(ran.exit).toBe(0);
    expect(ran.result?.bytesDownloaded).toBeLessThan(1.05 * 3_000_000 + 1_000_000);
  });

  it('gets no credentials, and the warning says so', async () => {
    const server = await serve((request, reply) => {
      const isKnown = request.headers['authorization'] !== undefined;
      return reply.send(sloppy(isKnown ? honest(a.bytes, request) : answer(401, 'no')));
    });
    const dest = destIn(await tempDir());
    const sources = [`${server.url.replace('//', '//me:hunter2@')}/{name}`];
    const ran = await run({ dest, manifest: manifestOf(a), sources });
    expect(ran.exit).toBe(4);
    expect(ran.events.filter(({ event }) => event === 'warning')).toMatchObject([
      { code: 'source', message: saying('without your credentials (authorization)') },
    ]);
  });
});
