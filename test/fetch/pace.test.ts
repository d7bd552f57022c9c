import { describe, expect, it } from 'vitest';
import { fastClock } from '../support/clock.ts';
import {
  type Sample,
  destIn,
  manifestOf,
  run,
  sampleArchive,
  sampleLabels,
} from '../support/fetching.ts';
import { type RawRequest, answer, honest, useRawServers } from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const a = sampleArchive('ChestDx-1.zip');
const b = sampleArchive('ChestDx-2.zip');
const labels = sampleLabels('chest_dx.csv', 'image,zip\n');
const all = [a, b, labels];

const fileOf = (request: RawRequest, samples: readonly Sample[] = all) =>
  samples.find(({ name }) => request.path.startsWith(`/${name}`));

describe('the pace', () => {
  const many = Array.from({ length: 6 }, (_, n) =>
    sampleArchive(`ChestDx-${n + 1}.zip`, { bytes: 50_000 }),
  );
  const manyManifest = manifestOf(...many);

  it('#39 adapts to a server that allows two connections and resets the third', async () => {
    let open = 0;
    let most = 0;
    const server = await serve(async (request, reply) => {
      const file = fileOf(request, many);
      if (open >= 2 || file === undefined) {
        reply.reset();
        return;
      }
      open += 1;
      most = Math.max(most, open);
      await reply.wait(30);
      await reply.send(honest(file.bytes, request));
      reply.end();
      open -= 1;
    });
    const ran = await run({
      dest: destIn(await tempDir()),
      manifest: manyManifest,
      sources: [`${server.url}/{name}`],
      ...{ concurrency: 6, connections: 8, retries: 3 },
    });
    expect(ran.exit).toBe(0);
    expect(most).toBe(2);
  });

  it('#12 of all connections slows down when one gets 429', async () => {
    let refusals = 3;
    const server = await serve(async (request, reply) => {
      const file = fileOf(request, many);
      refusals -= 1;
      if (file === undefined || refusals >= 0) {
        await reply.send(answer(429, '', { 'Retry-After': 5 }));
      } else await reply.send(honest(file.bytes, request));
    });
    const dest = destIn(await tempDir());
    const ran = await run({
      dest,
      manifest: manyManifest,
      sources: [`${server.url}/{name}`],
      concurrency: 3,
    });
    expect(ran.exit).toBe(0);
    // The three that were refused wait, and so does every other request to the host meanwhile (this
    // clock does not pass in a wait).
    expect(ran.clock.sleeps.filter((ms) => ms > 4000).length).toBeGreaterThanOrEqual(6);
  });

  it('goes up again with time where each request is a whole file', async () => {
    const lots = Array.from({ length: 24 }, (_, n) =>
      sampleArchive(`ChestDx-${n + 1}.zip`, { bytes: 5000 }),
    );
    let [asked, open, most, minutes] = [0, 0, 0, 0];
    const server = await serve(async (request, reply) => {
      asked += 1;
      if (asked <= 6) {
        await reply.wait(50);
        await reply.send(answer(429, '', { 'Retry-After': 1 }));
        return;
      }
      open += 1;
      most = Math.max(most, open);
      // Until so many are there as are expected, or no more come: on a busy machine they come far apart.
      for (let waits = 0; waits < 20 && most < 5; waits += 1) await reply.wait(30);
      // Every file takes a minute.
      minutes += 1;
      await reply.send(honest(fileOf(request, lots)?.bytes ?? Buffer.alloc(0), request));
      open -= 1;
    });
    const ran = await run({
      dest: destIn(await tempDir()),
      manifest: manifestOf(...lots),
      sources: [`${server.url}/{name}`],
      concurrency: 6,
      connections: 8,
      clock: { ...fastClock(), nowMs: () => performance.now() + minutes * 60_000 },
    });
    expect(ran.exit).toBe(0);
    // By what it has served alone it would be four.
    expect(most).toBeGreaterThanOrEqual(5);
  });

  it.each([
    { concurrency: 2, connections: 8, most: 2 },
    { concurrency: 6, connections: 3, most: 3 },
  ])('is $most at once with --concurrency $concurrency --connections $connections', async (row) => {
    let open = 0;
    let most = 0;
    const server = await serve(async (request, reply) => {
      open += 1;
      most = Math.max(most, open);
      await reply.wait(20);
      await reply.send(honest(fileOf(request, many)?.bytes ?? Buffer.alloc(0), request));
      open -= 1;
    });
    const { concurrency, connections } = row;
    const dest = destIn(await tempDir());
    const sources = [`${server.url}/{name}`];
    const ran = await run({ dest, manifest: manyManifest, sources, concurrency, connections });
    expect(ran.exit).toBe(0);
    expect(most).toBe(row.most);
  });

  it('of many files at once makes Node warn of nothing', async () => {
    const lots = Array.from({ length: 30 }, (_, n) =>
      sampleArchive(`ChestDx-${n + 1}.zip`, { bytes: 5000 }),
    );
    const warnings: string[] = [];
    const onWarning = ({ message }: Error) => void warnings.push(message);
    process.on('warning', onWarning);
    const server = await serve(async (request, reply) => {
      await reply.wait(20);
      await reply.send(honest(fileOf(request, lots)?.bytes ?? Buffer.alloc(0), request));
    });
    const ran = await run({
      dest: destIn(await tempDir()),
      manifest: manifestOf(...lots),
      sources: [`${server.url}/{name}`],
      signal: new AbortController().signal,
      concurrency: 30,
      connections: 30,
    });
    process.off('warning', onWarning);
    expect(ran.exit).toBe(0);
    expect(warnings).toEqual([]);
  });

  it('keeps to --limit-rate, over all files', async () => {
    const server = await serve(async (request, reply) => {
      await reply.send(honest(fileOf(request, many)?.bytes ?? Buffer.alloc(0), request));
    });
    const dest = destIn(await tempDir());
    const ran = await run({
      dest,
      manifest: manyManifest,
      sources: [`${server.url}/{name}`],
      limitRateBytesPerSecond: 10_000,
    });
    expect(ran.exit).toBe(0);
    const bytes = many.reduce((sum, sample) => sum + sample.bytes.length, 0);
    // The clock does not pass in a wait, so that the last to come has the whole time to wait.
    expect(Math.max(...ran.clock.sleeps)).toBeGreaterThan((bytes / 10_000 - 2) * 1000);
  });
});
