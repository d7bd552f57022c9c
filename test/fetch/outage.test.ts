import { expect, it } from 'vitest';
import { destIn, manifestOf, run, sampleArchive } from '../support/fetching.ts';
import { saying } from '../support/matchers.ts';
import { type RawRequest, answer, honest, useRawServers } from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const samples = [1, 2, 3, 4, 5, 6].map((n) => sampleArchive(`ChestDx-${n}.zip`));
const manifest = manifestOf(...samples);

const bytesOf = ({ path }: RawRequest) =>
  samples.find(({ name }) => path === `/${name}`)?.bytes ?? Buffer.alloc(0);

/** Attempts of each file, in the order in which the files were first asked for. */
function countRequests({ requests }: { readonly requests: readonly RawRequest[] }) {
  const counts = new Map<string, number>();
  for (const { path } of requests) counts.set(path, (counts.get(path) ?? 0) + 1);
  return [...counts.values()];
}

it('a host that is dead is waited for once, not by each file again', async () => {
  const dead = await serve((_, reply) => {
    reply.reset();
    return undefined;
  });
  const setup = { manifest, sources: [`${dead.url}/{name}`], retries: 3 };
  const ran = await run({ ...setup, dest: destIn(await tempDir()), concurrency: 2 });
  expect(ran.outcomes).toEqual(samples.map(() => 'network'));
  // Those that were under way when the first was given up wait as long as ever.
  expect(countRequests(dead)).toEqual([4, 4, 1, 1, 1, 1]);
  const errors = ran.result?.outcomes.map(({ error }) => error);
  expect(errors?.[0]?.message).toContain('(4 attempts)');
  expect(errors?.[5]).toMatchObject({
    message: saying('tried once: another file met the same'),
    facts: { attempts: 1 },
  });
});

it('a host that has answered meanwhile is waited for again', async () => {
  const server = await serve(async (request, reply) => {
    // The first is never answered, the second is; the third at its third attempt.
    const attempt = server.requests.filter(({ path }) => path === request.path).length;
    const isDown =
      request.path === '/ChestDx-1.zip' || (request.path === '/ChestDx-3.zip' && attempt < 3);
    if (isDown) reply.reset();
    else await reply.send(honest(bytesOf(request), request));
  });
  const setup = { manifest, sources: [`${server.url}/{name}`], retries: 3, concurrency: 1 };
  const ran = await run({ ...setup, dest: destIn(await tempDir()) });
  expect(ran.outcomes).toEqual(['network', ...samples.slice(1).map(() => 'downloaded')]);
  expect(countRequests(server)).toEqual([4, 1, 3, 1, 1, 1]);
});

it('a host that falls silent in the middle of a run is waited for by each file: the outage may end', async () => {
  const server = await serve(async (request, reply) => {
    const asked = server.requests.filter(({ path }) => path === request.path).length;
    // A kept connection that breaks is asked again at once: four requests are two attempts at least.
    const isDown =
      request.path === '/ChestDx-2.zip' || (request.path === '/ChestDx-3.zip' && asked <= 4);
    if (isDown) reply.reset();
    else await reply.send(honest(bytesOf(request), request));
  });
  const setup = { manifest, sources: [`${server.url}/{name}`], retries: 3, concurrency: 1 };
  const ran = await run({ ...setup, dest: destIn(await tempDir()) });
  const others = samples.slice(2).map(() => 'downloaded');
  expect(ran.outcomes).toEqual(['downloaded', 'network', ...others]);
});

it('a host that refuses has answered: each file is tried as often as ever', async () => {
  const busy = await serve((_, reply) => reply.send(answer(503, '')));
  const setup = { manifest, sources: [`${busy.url}/{name}`], retries: 1, concurrency: 1 };
  const ran = await run({ ...setup, dest: destIn(await tempDir()) });
  expect(ran.outcomes).toEqual(samples.map(() => 'http-status'));
  expect(countRequests(busy)).toEqual(samples.map(() => 2));
});
