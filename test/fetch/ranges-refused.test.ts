import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { bigSample } from '../support/big-sample.ts';
import { manifestOf, run } from '../support/fetching.ts';
import { MIB, TOTAL, big, unhurried, useRangedFetch } from '../support/ranged-fetch.ts';
import { type RawRequest, answer, slice, spanOf, whole } from '../support/raw-server.ts';
import { listTree } from '../support/temp-dirs.ts';

const setUp = useRangedFetch();

describe('no proof, no ranges', () => {
  it('a server that refuses them gives the whole file to the first request', async () => {
    const { server, setup } = await setUp((_, reply) => reply.send(whole(big.bytes)));
    const ran = await run(setup);
    expect(ran.exit).toBe(0);
    expect(server.requests).toHaveLength(1);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL);
  });

  const first = (headers: Record<string, string>) => (request: RawRequest) =>
    slice(big.bytes, spanOf(request) ?? [0, 0], headers);
  it.each([
    { name: '#42 from another byte', probe: () => slice(big.bytes, [5, 262_149]) },
    { name: '#43 without a Content-Range', probe: () => answer(206, 'PK') },
    {
      name: '#43 of no known length',
      probe: first({ 'Content-Range': 'bytes 0-262143/*' }),
    },
  ])('a first part $name: the whole is asked for, over one', async ({ probe }) => {
    const { server, setup } = await setUp((request, reply) =>
      reply.send(spanOf(request) === undefined ? whole(big.bytes) : probe(request)),
    );
    const ran = await run(setup);
    expect(ran.exit).toBe(0);
    expect(server.requests.map(({ headers }) => headers['range'])).toEqual([
      'bytes=0-262143',
      undefined,
    ]);
  });

  it.each([
    { name: '#47 without a validator', headers: { ETag: '' } },
    { name: 'with a weak one', headers: { ETag: 'W/"v1"' } },
    { name: 'with the unit in another case', headers: {}, unit: 'Bytes=' },
  ])('#179 #182 a first part $name is as good as any', async ({ headers, unit = 'bytes ' }) => {
    const { server, setup } = await setUp((request, reply) => {
      const [from, to] = spanOf(request) ?? [0, 0];
      const range = { 'Content-Range': `${unit}${from}-${to - 1}/${TOTAL}` };
      return reply.send(slice(big.bytes, [from, to], { ...headers, ...range }));
    }, unhurried);
    const ran = await run(setup);
    expect(ran.exit).toBe(0);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL);
    expect(server.requests.every((request) => spanOf(request) !== undefined)).toBe(true);
  });

  it('#181 #184 a first part that is the whole file is all that is requested', async () => {
    const { server, setup } = await setUp((_, reply) => reply.send(slice(big.bytes, [0, TOTAL])));
    const ran = await run(setup);
    expect(ran.exit).toBe(0);
    expect(server.requests).toHaveLength(1);
  });

  it.each([400, 403, 405, 416, 501, 500, 503])(
    '#183 %i to a range, and the whole file without: it is remembered for the next file',
    async (status) => {
      const b = bigSample('ChestDx-2.zip', TOTAL, 9);
      const { server, setup } = await setUp(
        (request, reply) => {
          if (request.headers['range'] !== undefined) return reply.send(answer(status, 'no'));
          return reply.send(whole(request.path.startsWith(`/${big.name}`) ? big.bytes : b.bytes));
        },
        { manifest: manifestOf(big, b), concurrency: 1 },
      );
      const ran = await run(setup);
      expect(ran.exit).toBe(0);
      const ranges = server.requests.map(({ headers }) => headers['range']);
      const refused = ranges.filter((range) => range !== undefined);
      expect(refused).toHaveLength(status === 500 || status === 503 ? 2 : 1);
      expect(ranges.slice(-2)).toEqual([undefined, undefined]);
      expect(ran.result?.bytesDownloaded).toBe(2 * TOTAL);
    },
  );

  it('#183 is tried again with a range after eight files', async () => {
    const samples = Array.from({ length: 10 }, (_, n) =>
      bigSample(`ChestDx-${n + 1}.zip`, 17 * MIB, n + 1),
    );
    const bytesOf = new Map(samples.map(({ name, bytes }) => [`/${name}`, bytes]));
    const { server, setup } = await setUp(
      (request, reply) => {
        if (request.headers['range'] !== undefined) return reply.send(answer(416, 'no'));
        return reply.send(whole(bytesOf.get(request.path) ?? Buffer.alloc(0)));
      },
      { manifest: manifestOf(...samples), concurrency: 1 },
    );
    expect((await run(setup)).exit).toBe(0);
    const asked = server.requests.filter(({ headers }) => headers['range'] !== undefined);
    expect(asked.map(({ path }) => path)).toEqual(['/ChestDx-1.zip', '/ChestDx-10.zip']);
  });

  it('#8 a page in the first part is no file, and nothing of it is kept', async () => {
    const page = Buffer.alloc(262_144, '<html>');
    const { server, setup } = await setUp((_, reply) =>
      reply.send(answer(206, page, { ETag: '"v1"', 'Content-Range': `bytes 0-262143/${TOTAL}` })),
    );
    const ran = await run(setup);
    expect(ran.outcomes).toEqual(['not-the-file']);
    // The segment, and the whole file as often as such an answer is doubted.
    expect(server.requests).toHaveLength(3);
    expect(await listTree(layoutOf(setup.dest).partial)).toEqual([]);
  });
});
