import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import type { PartState } from '../../src/download/part-state.ts';
import { destIn, manifestOf, noise, run, sampleArchive } from '../support/fetching.ts';
import { saying } from '../support/matchers.ts';
import {
  type RawReply,
  type RawRequest,
  answer,
  brokenOff,
  fromByteOf,
  honest,
  part,
  unsatisfiable,
  useRawServers,
  whole,
} from '../support/raw-server.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const a = sampleArchive('ChestDx-1.zip');
const manifest = manifestOf(a);
const HALF = 100_000;
const TOTAL = a.bytes.length;
const md5Of = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

type Reply = (request: RawRequest, reply: RawReply) => Uint8Array | Promise<void>;

/** A server that breaks off in the middle of its first answer, and says something else afterwards. */
async function brokenThen(second: Reply, { etag = '"v1"' } = {}) {
  const server = await serve(async (request, reply) => {
    if (request.index > 0) {
      const bytes = await second(request, reply);
      if (bytes !== undefined) await reply.send(bytes);
      return;
    }
    await reply.send(brokenOff(a.bytes, HALF, etag === '' ? {} : { ETag: etag }));
    reply.end();
  });
  const setup = {
    dest: destIn(await tempDir()),
    manifest,
    sources: [`${server.url}/{name}`],
    retries: 2,
  };
  return { ran: await run(setup), again: () => run(setup), server, dest: setup.dest };
}

const rangesOf = (server: { requests: readonly RawRequest[] }) => server.requests.map(fromByteOf);

/** The other bytes of the same length that a changed file has. */
const other = (() => {
  const bytes = Buffer.from(a.bytes);
  noise('other', 1000).copy(bytes, HALF + 5000);
  noise('other', 1000).copy(bytes, 5000);
  return bytes;
})();

describe('what a server says to a request for the rest', () => {
  it('#1 the rest: it is appended', async () => {
    const { ran, server } = await brokenThen((request) => honest(a.bytes, request));
    expect(ran.exit).toBe(0);
    expect(rangesOf(server)).toEqual([undefined, HALF]);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL);
  });

  it('#41 the whole file: it starts over, and the progress goes back', async () => {
    const { ran, server } = await brokenThen(() => whole(a.bytes));
    expect(ran.exit).toBe(0);
    expect(rangesOf(server)).toEqual([undefined, HALF]);
    expect(ran.result?.bytesDownloaded).toBe(HALF + TOTAL);
  });

  const bad = a.bytes.subarray(HALF);
  const rest = (contentRange: string) => answer(206, bad, { 'Content-Range': contentRange });
  it.each([
    { name: '#42 from a later byte', bytes: part(a.bytes, HALF + 5) },
    { name: '#43 without a Content-Range', bytes: answer(206, bad.subarray(5)) },
    { name: '#43 with a junk Content-Range', bytes: rest('bytes here-there/all') },
    { name: '#43 with no range', bytes: rest(`*/${TOTAL}`) },
    { name: '#43 with an overflowing range', bytes: rest(`bytes ${HALF}-9999999999999999999/*`) },
    { name: '#44 of another total', bytes: rest(`bytes ${HALF}-${TOTAL}/${TOTAL + 1}`) },
    {
      name: '#45 in several parts',
      bytes: answer(206, bad, {
        'Content-Type': 'multipart/byteranges; boundary=x',
        'Content-Range': `bytes ${HALF}-${TOTAL - 1}/${TOTAL}`,
      }),
    },
    { name: '#48 a failed precondition', bytes: answer(412, '') },
    { name: 'that there is no more, though there must be', bytes: unsatisfiable(5) },
  ])('a part $name: none of it is used, the whole is asked for', async ({ bytes }) => {
    const { ran, server } = await brokenThen((request) =>
      fromByteOf(request) === undefined ? whole(a.bytes) : bytes,
    );
    expect(ran.exit).toBe(0);
    expect(rangesOf(server)).toEqual([undefined, HALF, undefined]);
  });

  it.each([
    { name: '#42 from a later byte', bytes: part(a.bytes, HALF + 5) },
    { name: '#43 without a Content-Range', bytes: answer(206, bad.subarray(5)) },
  ])('a part $name, and then nothing: what was here is kept', async ({ bytes }) => {
    let isWell = false;
    const { ran, again, server } = await brokenThen((request) => {
      if (isWell) return honest(a.bytes, request);
      return fromByteOf(request) === undefined ? answer(404, '') : bytes;
    });
    expect(ran.outcomes).toEqual(['file-not-at-source']);
    isWell = true;
    expect((await again()).exit).toBe(0);
    expect(rangesOf(server).at(-1)).toBe(HALF);
  });

  it('#43 a part that leaves the total open, which is known from before', async () => {
    const { ran, server } = await brokenThen(() => rest(`bytes ${HALF}-${TOTAL - 1}/*`));
    expect(ran.exit).toBe(0);
    expect(server.requests).toHaveLength(2);
  });

  it('#44 a part of another total, whatever is asked for: what is here is kept', async () => {
    let isWell = false;
    const { ran, again, server } = await brokenThen((request) =>
      isWell ? honest(a.bytes, request) : rest(`bytes ${HALF}-${TOTAL - 1}/999999`),
    );
    expect(ran.exit).toBe(4);
    isWell = true;
    expect((await again()).exit).toBe(0);
    expect(rangesOf(server).at(-1)).toBe(HALF);
  });

  it('pieces that the server cuts as it likes: they are asked for one after the other', async () => {
    const piece = 70_000;
    const { ran, server } = await brokenThen((request) => {
      const from = fromByteOf(request) ?? 0;
      const last = Math.min(from + piece, TOTAL) - 1;
      return answer(206, a.bytes.subarray(from, last + 1), {
        ETag: '"v1"',
        'Content-Range': `bytes ${from}-${last}/${TOTAL}`,
      });
    });
    expect(ran.exit).toBe(0);
    expect(rangesOf(server)).toEqual([undefined, HALF, HALF + piece]);
    expect(ran.events.filter(({ event }) => event === 'retry')).toHaveLength(1);
  });
});

describe('#179 what proves nothing does not keep a part from being resumed', () => {
  it.each([
    { name: '#47 no validator', etag: '' },
    { name: '#47 a weak ETag', etag: 'W/"v1"' },
    { name: 'an ETag without quotes', etag: 'v1' },
  ])('$name', async ({ etag }) => {
    const { ran, server } = await brokenThen((request) => honest(a.bytes, request), { etag });
    expect(ran.exit).toBe(0);
    expect(rangesOf(server)).toEqual([undefined, HALF]);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL);
  });

  it('#46 #180 another strong ETag, of a file of the same length', async () => {
    const { ran, server } = await brokenThen((request) => honest(a.bytes, request, '"v2"'));
    expect(ran.exit).toBe(0);
    expect(server.requests[1]?.headers['if-range']).toBeUndefined();
    expect(ran.result?.bytesDownloaded).toBe(TOTAL);
  });
});

describe('a file that changes at its source meanwhile', () => {
  it('#46 comes once more where the MD5 of the mixture is wrong, and then a validator counts', async () => {
    // The second time it breaks off as well, and only then the file is the published one.
    const server = await serve(async (request, reply) => {
      if (request.index === 0 || request.index === 2) {
        await reply.send(brokenOff(other, HALF, { ETag: '"v1"' }));
        reply.end();
      } else await reply.send(honest(a.bytes, request, '"v2"'));
    });
    const ran = await run({
      dest: destIn(await tempDir()),
      manifest,
      sources: [`${server.url}/{name}`],
    });
    expect(ran.exit).toBe(0);
    expect(rangesOf(server)).toEqual([undefined, HALF, undefined, HALF]);
    expect(server.requests.map(({ headers }) => headers['if-range'])).toEqual([
      undefined,
      undefined,
      undefined,
      '"v1"',
    ]);
  });

  it('#49 by a server that ignores If-Range: the mixture is detected, and downloaded again', async () => {
    const mixed = Buffer.concat([other.subarray(0, HALF), a.bytes.subarray(HALF)]);
    expect(md5Of(mixed)).not.toBe(a.file['md5']);
    const server = await serve(async (request, reply) => {
      if (request.index === 0) {
        await reply.send(brokenOff(other, HALF));
        reply.end();
      } else {
        const from = fromByteOf(request);
        await reply.send(from === undefined ? whole(a.bytes) : part(a.bytes, from));
      }
    });
    const dest = destIn(await tempDir());
    const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`] });
    expect(ran.exit).toBe(0);
    expect(rangesOf(server)).toEqual([undefined, HALF, undefined]);
    expect(await listTree(layoutOf(dest).bad).catch(() => [])).toEqual([]);
  });
});

describe('#66 #157 wrong bytes, twice', () => {
  it('are quarantined with both hashes, source and date, and the other files are downloaded', async () => {
    const b = sampleArchive('ChestDx-2.zip');
    const server = await serve((request, reply) =>
      reply.send(honest(request.path.includes('-1.zip') ? other : b.bytes, request)),
    );
    const dest = destIn(await tempDir());
    const setup = { dest, manifest: manifestOf(a, b), sources: [`${server.url}/{name}`] };
    const ran = await run(setup);
    expect(ran.outcomes).toEqual(['md5-mismatch', 'downloaded']);
    expect(ran.exit).toBe(3);
    expect(server.requests.filter(({ path }) => path.includes('-1.zip'))).toHaveLength(2);
    const { bad, partial } = layoutOf(dest);
    expect(await readFile(join(bad, a.name))).toEqual(other);
    const record = JSON.parse(await readFile(join(bad, `${a.name}.json`), 'utf8')) as object;
    expect(record).toMatchObject({
      file: a.name,
      expectedMd5: a.file['md5'],
      foundMd5: md5Of(other),
      bytes: TOTAL,
      source: `${server.url}/{name}`,
    });
    expect(Date.parse(String(Reflect.get(record, 'date')))).not.toBeNaN();
    expect(await listTree(partial)).toEqual([]);
    expect(ran.result?.outcomes[0]?.error).toMatchObject({
      facts: {
        expected: `MD5 ${String(a.file['md5'])}`,
        found: `MD5 ${md5Of(other)}`,
        kept: `the wrong bytes, in ${join(bad, a.name)}`,
      },
      next: [{ kind: 'option', option: 'source', purpose: saying('downloaded twice') }],
    });
  });

  it('#9 #52 wrong once, right then: nothing is quarantined', async () => {
    const server = await serve((request, reply) =>
      reply.send(honest(request.index === 0 ? other : a.bytes, request)),
    );
    const dest = destIn(await tempDir());
    const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`] });
    expect(ran.exit).toBe(0);
    expect(await listTree(layoutOf(dest).state)).not.toContain('bad');
  });
});

/** A part that an earlier run has left, of bytes as given. */
async function leavePart(dest: string, bytes: Uint8Array, changes: Partial<PartState> = {}) {
  const state: PartState = {
    partVersion: 2,
    name: a.name,
    md5: String(a.file['md5']),
    owner: { pid: 4_000_000, host: hostname(), startToken: null },
    url: 'http://127.0.0.1/',
    validator: '"v1"',
    totalBytes: TOTAL,
    durableBytes: bytes.length,
    islands: [],
    ...changes,
  };
  const base = `.ccxri/partial/${a.name}.0123456789ab`;
  await writeTree(dest, { [`${base}.part`]: bytes, [`${base}.json`]: JSON.stringify(state) });
}

describe('a part of an earlier run', () => {
  async function goOn(bytes: Uint8Array, changes: Partial<PartState> = {}) {
    const dest = destIn(await tempDir());
    const server = await serve((request, reply) => reply.send(honest(a.bytes, request)));
    await leavePart(dest, bytes, { url: `${server.url}/${a.name}`, ...changes });
    const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`] });
    return { ran, server, ranges: rangesOf(server) };
  }

  it('#57 #61 is resumed behind what its state lists', async () => {
    const { ran, ranges } = await goOn(
      Buffer.concat([a.bytes.subarray(0, HALF), Buffer.alloc(5000)]),
      { durableBytes: HALF },
    );
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([HALF]);
    expect(ran.result?.plan.steps[0]).toMatchObject({ action: 'resume', keptBytes: HALF });
    expect(ran.events).toContainEqual(
      expect.objectContaining({ event: 'phase-start', doneBytes: HALF, totalBytes: TOTAL }),
    );
  });

  it('#50 #58 that is complete is checked without the network', async () => {
    const { ran, ranges } = await goOn(a.bytes);
    expect(ran.outcomes).toEqual(['downloaded']);
    expect(ranges).toEqual([]);
    expect(ran.result?.bytesDownloaded).toBe(0);
  });

  it('#58 that is complete needs no source at all', async () => {
    const dest = destIn(await tempDir());
    await leavePart(dest, a.bytes);
    const ran = await run({ dest, manifest });
    expect(ran.outcomes).toEqual(['downloaded']);
  });

  it.each([
    { name: '1 %', at: Math.floor(TOTAL / 100) },
    { name: '50 %', at: Math.floor(TOTAL / 2) },
    { name: '99 %', at: Math.floor(TOTAL * 0.99) },
  ])('#52 with a flipped bit at $name is fetched anew, once', async ({ at }) => {
    const flipped = Buffer.from(a.bytes);
    flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
    const { ran, ranges } = await goOn(flipped);
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([undefined]);
  });

  it('#52 with a flipped bit, and not complete, is downloaded again, once', async () => {
    const flipped = Buffer.from(a.bytes.subarray(0, HALF));
    flipped.writeUInt8(flipped.readUInt8(500) ^ 1, 500);
    const { ran, ranges } = await goOn(flipped);
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([HALF, undefined]);
  });

  it('#50 of which only the length was not known is complete with a 416', async () => {
    const { ran, ranges, server } = await goOn(a.bytes, { totalBytes: null });
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([TOTAL]);
    expect(server.requests).toHaveLength(1);
  });

  it('#51 that is longer than its file starts over', async () => {
    const { ran, ranges } = await goOn(Buffer.concat([a.bytes, Buffer.alloc(100)]));
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([TOTAL + 100, undefined]);
  });

  it.each([
    { name: '#55 of another address', changes: { url: 'http://127.0.0.1:1/other.zip' } },
    { name: '#55 of another release', changes: { md5: 'b'.repeat(32) } },
    { name: '#53 that lists more than is there', changes: { durableBytes: HALF + 1 } },
  ])('$name starts over', async ({ changes }) => {
    const { ran, ranges } = await goOn(a.bytes.subarray(0, HALF), changes);
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([undefined]);
  });

  it('#47 #179 without a validator is resumed', async () => {
    const { ran, ranges } = await goOn(a.bytes.subarray(0, HALF), { validator: null });
    expect(ran.exit).toBe(0);
    expect(ranges).toEqual([HALF]);
  });

  it('#53 that has its length reserved, without a state, starts over', async () => {
    const dest = destIn(await tempDir());
    const server = await serve((request, reply) => reply.send(honest(a.bytes, request)));
    const name = `.ccxri/partial/${a.name}.0123456789ab.part`;
    await writeTree(dest, { [name]: Buffer.alloc(TOTAL) });
    const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`] });
    expect(ran.exit).toBe(0);
    expect(rangesOf(server)).toEqual([undefined]);
  });
});
