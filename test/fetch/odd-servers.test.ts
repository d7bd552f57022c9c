import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { destIn, manifestOf, run, sampleArchive, sampleLabels } from '../support/fetching.ts';
import {
  type RawReply,
  type RawRequest,
  answer,
  brokenOff,
  chunked,
  fromByteOf,
  head,
  honest,
  html,
  part,
  useRawServers,
  whole,
} from '../support/raw-server.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const a = sampleArchive('ChestDx-1.zip');
const csv = sampleLabels(
  'chest_dx.csv',
  `image,zip\n${'patient1_000.jpg,ChestDx-1.zip\n'.repeat(4000)}`,
);
const TOTAL = a.bytes.length;
const HALF = 100_000;

type Answer = (request: RawRequest, reply: RawReply) => Uint8Array | string;

async function fetchFrom(script: Answer, sample = a, options: { readonly retries?: number } = {}) {
  const server = await serve(async (request, reply) => {
    await reply.send(script(request, reply));
    if (request.headers['connection'] !== 'keep-alive') reply.end();
  });
  const dest = destIn(await tempDir());
  const sources = [`${server.url}/{name}`];
  const ran = await run({ dest, manifest: manifestOf(sample), sources, ...options });
  return { ran, server, dest, ranges: server.requests.map(fromByteOf) };
}

/** The first half; then what the server makes of a request for the rest. */
const halfThen =
  (rest: Answer): Answer =>
  (request, reply) =>
    request.index === 0 ? cut(reply) : rest(request, reply);

function cut(reply: RawReply): Buffer {
  setImmediate(() => reply.end());
  return brokenOff(a.bytes, HALF, {});
}

describe('#179 #180 answers that are cut at 60 % each time', () => {
  it.each([
    { name: 'no validator', headers: () => ({}) },
    { name: 'another strong ETag each time', headers: (n: number) => ({ ETag: `"node ${n}"` }) },
    { name: 'a weak ETag', headers: () => ({ ETag: 'W/"200250-1616313600000"' }) },
    {
      name: 'a Last-Modified to come, and no Date',
      headers: () => ({ 'Last-Modified': 'Sun, 21 Mar 2100 08:00:00 GMT' }),
    },
  ])('$name: each byte comes once', async ({ headers }) => {
    const { ran, ranges } = await fetchFrom((request, reply) => {
      const from = fromByteOf(request) ?? 0;
      const rest = TOTAL - from;
      const sent = rest < 50_000 ? rest : Math.ceil(rest * 0.6);
      const status = from === 0 ? 200 : 206;
      const about = {
        ...headers(request.index),
        'Content-Length': String(rest),
        ...(from === 0 ? {} : { 'Content-Range': `bytes ${from}-${TOTAL - 1}/${TOTAL}` }),
      };
      setImmediate(() => reply.end());
      return Buffer.concat([Buffer.from(head(status, about)), a.bytes.subarray(from, from + sent)]);
    });
    expect(ran.exit).toBe(0);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL);
    expect(ranges.length).toBeGreaterThan(2);
  });
});

describe('an answer to a request for the rest', () => {
  const rest = (from: number, headers: Record<string, string>, status = 206) =>
    answer(status, a.bytes.subarray(from), headers);
  const range = `bytes ${HALF}-${TOTAL - 1}/${TOTAL}`;

  it.each([
    { name: '#178 with status 200', bytes: rest(HALF, { 'Content-Range': range }, 200) },
    { name: '#181 that begins 10 bytes earlier', bytes: part(a.bytes, HALF - 10), overlap: 10 },
    { name: '#181 that begins a block earlier', bytes: part(a.bytes, HALF - 4096), overlap: 4096 },
    {
      name: '#182 with the unit in another case',
      bytes: rest(HALF, { 'Content-Range': range.replace('bytes', 'Bytes') }),
    },
    {
      name: '#182 with an equals sign',
      bytes: rest(HALF, { 'Content-Range': range.replace('bytes ', 'bytes=') }),
    },
    { name: '#182 without a Content-Range, of the right length', bytes: rest(HALF, {}) },
    {
      name: '#185 that is said to be a page',
      bytes: rest(HALF, { 'Content-Range': range, 'Content-Type': 'text/html' }),
    },
    {
      name: '#186 that is said to be in gzip',
      bytes: rest(HALF, { 'Content-Range': range, 'Content-Encoding': 'gzip' }),
    },
  ])('$name is used', async ({ bytes, overlap = 0 }) => {
    const { ran, ranges } = await fetchFrom(halfThen(() => bytes));
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([undefined, HALF]);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL + overlap);
  });

  it('#181 that is the whole file costs no byte on disk: it is cut as well, and then resumed', async () => {
    const { ran, ranges } = await fetchFrom((request, reply) => {
      if (request.index === 0) return cut(reply);
      if (request.index === 1) {
        setImmediate(() => reply.end());
        return brokenOff(a.bytes, HALF + 70_000, {});
      }
      return honest(a.bytes, request);
    });
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([undefined, HALF, HALF + 70_000]);
  });

  it.each([
    { name: 'an empty body', headers: {} },
    { name: 'the total', headers: { 'Content-Range': `bytes */${TOTAL}` } },
  ])('#177 416 with $name, three times: waits, and goes on', async ({ headers }) => {
    const { ran, ranges } = await fetchFrom(
      halfThen((request) =>
        request.index < 4 ? answer(416, '', headers) : honest(a.bytes, request),
      ),
    );
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([undefined, HALF, HALF, HALF, HALF]);
    expect(ran.clock.sleeps).toHaveLength(4);
  });

  it('#177 416 for the fourth time: starts over', async () => {
    const { ran, ranges } = await fetchFrom(
      halfThen((request) => (fromByteOf(request) === undefined ? whole(a.bytes) : answer(416, ''))),
    );
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([undefined, HALF, HALF, HALF, HALF, undefined]);
  });

  it.each([500, 403])(
    '#198 a page of an error (%i), once: the part is untouched',
    async (status) => {
      const { ran, ranges } = await fetchFrom(
        halfThen((request) => (request.index < 2 ? answer(status, 'x') : honest(a.bytes, request))),
      );
      expect(ran.exit).toBe(0);
      expect(ranges).toEqual([undefined, HALF, HALF]);
      expect(ran.result?.bytesDownloaded).toBe(TOTAL);
    },
  );

  it('#198 a page with status 206: the part is untouched', async () => {
    const page = Buffer.from('<html>502 bad gateway</html>');
    const { ran, ranges } = await fetchFrom(
      halfThen((request) =>
        request.index < 2
          ? answer(206, page, { 'Content-Range': range, 'Content-Type': 'text/html' })
          : honest(a.bytes, request),
      ),
    );
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([undefined, HALF, HALF]);
  });
});

describe('an answer that can not be placed', () => {
  it('#198 a page as a part without a range, twice: the part is untouched, and the rest asked for', async () => {
    const page = answer(206, '<html>502 bad gateway</html>', { 'Content-Type': 'text/html' });
    const { ran, ranges } = await fetchFrom(
      halfThen((request) => (request.index < 3 ? page : honest(a.bytes, request))),
    );
    expect(ran.exit).toBe(0);
    expect(ranges[1]).toBe(HALF);
    expect(ranges[2]).toBe(HALF);
  });

  it('#41 #180 the whole file instead of a late rest is asked for once more, as another node may serve it', async () => {
    const large = sampleArchive('ChestDx-1.zip', { bytes: 3_000_000 });
    const at = 2_000_000;
    const { ran, ranges } = await fetchFrom((request, reply) => {
      if (request.index === 1) return whole(large.bytes);
      if (request.index > 1) return honest(large.bytes, request);
      setImmediate(() => reply.end());
      return brokenOff(large.bytes, at, {});
    }, large);
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([undefined, at, at]);
  });
});

describe('the right bytes under a wrong label', () => {
  it.each([
    { name: '#185 text/html', bytes: whole(a.bytes, { 'Content-Type': 'text/html' }) },
    {
      name: '#185 text/html, without a length',
      bytes: chunked([a.bytes], { headers: { 'Content-Type': 'text/html' } }),
    },
    { name: '#185 no type, without a length', bytes: chunked([a.bytes]) },
    { name: '#184 206 to a request without Range', bytes: part(a.bytes, 0) },
    { name: '#184 206 without a Content-Range', bytes: answer(206, a.bytes) },
    ...['none', 'identity', 'binary', 'utf-8', 'application/zip', 'gzip', 'br', 'deflate'].map(
      (coding) => ({
        name: `#186 Content-Encoding: ${coding}`,
        bytes: whole(a.bytes, { 'Content-Encoding': coding }),
      }),
    ),
  ])('$name', async ({ bytes }) => {
    const { ran, server } = await fetchFrom(() => bytes);
    expect(ran.exit).toBe(0);
    expect(server.requests).toHaveLength(1);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL);
  });

  const zipped = gzipSync(a.bytes);
  const zippedCsv = gzipSync(csv.bytes);
  it.each([
    { name: 'an archive', sample: a, packed: zipped, headers: { 'Content-Encoding': 'gzip' } },
    { name: 'an archive, and not said to be', sample: a, packed: zipped, headers: {} },
    {
      name: 'a label file',
      sample: csv,
      packed: zippedCsv,
      headers: { 'Content-Encoding': 'gzip' },
    },
  ])('#187 gzip over $name is decoded, and counted as it came', async (row) => {
    const { sample, packed, headers } = row;
    for (const bytes of [whole(packed, headers), chunked([packed], { headers })]) {
      const { ran, server } = await fetchFrom(() => bytes, sample);
      expect(ran.exit).toBe(0);
      expect(ran.result?.bytesDownloaded).toBe(packed.length);
      expect(server.requests).toHaveLength(1);
    }
  });

  it('#187 gzip over an archive that breaks off is never resumed', async () => {
    const { ran, ranges } = await fetchFrom((request, reply) => {
      const headers = { 'Content-Encoding': 'gzip' };
      if (request.index > 0) return whole(zipped, headers);
      setImmediate(() => reply.end());
      return brokenOff(zipped, HALF, headers);
    });
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([undefined, undefined]);
  });
});

describe('#188 what comes once instead of the file, and is gone a second later', () => {
  it.each([
    { name: 'an empty 200', bytes: whole(Buffer.alloc(0)) },
    { name: 'an empty 200 in chunks', bytes: chunked([]) },
    { name: 'a page', bytes: html('please wait') },
    { name: 'JSON', bytes: whole(Buffer.from('{"code":500,"msg":"busy"}')) },
    ...[202, 403, 404, 423, 500, 555].map((status) => ({
      name: `${status}`,
      bytes: answer(status, 'no'),
    })),
  ])('$name: asked for again', async ({ bytes }) => {
    const { ran } = await fetchFrom((request) => (request.index === 0 ? bytes : whole(a.bytes)));
    expect(ran.exit).toBe(0);
    expect(ran.clock.sleeps).toHaveLength(1);
  });

  it('a page each time: told after a few tries, with what it says, and once for all files', async () => {
    const b = sampleArchive('ChestDx-2.zip');
    const server = await serve((_, reply) => reply.send(html('<p>Log in, please</p>')));
    const ran = await run({
      dest: destIn(await tempDir()),
      manifest: manifestOf(a, b),
      sources: [`${server.url}/{name}`],
      concurrency: 1,
    });
    expect(ran.outcomes).toEqual(['not-the-file', 'not-the-file']);
    expect(ran.exit).toBe(9);
    expect(server.requests).toHaveLength(5);
    const [first, second] = (ran.result?.outcomes ?? []).map(({ error }) => error);
    expect(first?.facts.found).toContain('Log in, please');
    expect(second?.message).toContain('tried once: another file met the same');
  });
});

describe('#188 a refusal that may be over in a moment is asked for once more, with one retry', () => {
  it.each([
    { name: '#13 403', reply: answer(403, 'no'), code: 'http-status' },
    { name: '#13 404', reply: answer(404, 'no'), code: 'file-not-at-source' },
    { name: '202', reply: answer(202, ''), code: 'http-status' },
    { name: '204', reply: answer(204, ''), code: 'http-status' },
    { name: '423', reply: answer(423, 'no'), code: 'http-status' },
    { name: '555', reply: answer(555, 'no'), code: 'http-status' },
  ])('$name', async ({ reply: bytes, code }) => {
    const { ran, server } = await fetchFrom(() => bytes, a, { retries: 1 });
    expect(ran.outcomes).toEqual([code]);
    expect(ran.exit).toBe(4);
    expect(server.requests).toHaveLength(2);
  });
});

describe('#189 a text that asks to slow down', () => {
  it.each(['{"code":429,"msg":"x"}', '访问过于频繁，请稍后再试'])(
    '%s, each time: waits as for 429, then shows it',
    async (text) => {
      const { ran, dest } = await fetchFrom(() => whole(Buffer.from(text)), a, { retries: 5 });
      expect(ran.exit).toBe(4);
      const error = ran.result?.outcomes[0]?.error;
      expect(error?.facts).toMatchObject({ status: 429, found: text, attempts: 6 });
      // The waits of the attempts; the host's own pause ends with them.
      expect(ran.clock.sleeps.length).toBeGreaterThanOrEqual(5);
      expect(await listTree(layoutOf(dest).partial)).toEqual([]);
    },
  );

  it('once: waits, and goes on', async () => {
    const { ran } = await fetchFrom((request) =>
      request.index === 0 ? whole(Buffer.from('too many requests')) : whole(a.bytes),
    );
    expect(ran.exit).toBe(0);
    expect(ran.clock.sleeps.length).toBeGreaterThanOrEqual(1);
  });
});

it('#196 a wait of years is given up, with the date', async () => {
  const { ran } = await fetchFrom(() => answer(503, '', { 'Retry-After': '99999999' }));
  expect(ran.exit).toBe(4);
  const [error] = (ran.result?.outcomes ?? []).map((outcome) => outcome.error);
  expect(error?.message).toMatch(/it asks to wait until 20\d\d-\d\d-\d\d, which can't be meant/);
});

describe('the next source', () => {
  it('is asked where the bytes of the first are wrong twice, and nothing of these is used', async () => {
    const other = Buffer.from(a.bytes);
    other.fill(7, 50_000, 51_000);
    const wrong = await serve((request, reply) => reply.send(honest(other, request)));
    const right = await serve((request, reply) => reply.send(honest(a.bytes, request)));
    const dest = destIn(await tempDir());
    const sources = [`${wrong.url}/{name}`, `${right.url}/{name}`];
    const ran = await run({ dest, manifest: manifestOf(a), sources });
    expect(ran.exit).toBe(0);
    expect(wrong.requests.map(fromByteOf)).toEqual([undefined, undefined]);
    expect(right.requests.map(fromByteOf)).toEqual([undefined]);
  });
});
