import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { PartStore } from '../../src/download/part-store.ts';
import { type Ran, destIn, manifestOf, noise, run, sampleArchive } from '../support/fetching.ts';
import { lacking, saying, nextSaying } from '../support/matchers.ts';
import {
  type RawReply,
  type RawRequest,
  answer,
  brokenOff,
  chunked,
  head,
  honest,
  html,
  redirect,
  useRawServers,
  whole,
} from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const a = sampleArchive('ChestDx-1.zip');
const manifest = manifestOf(a);
const HALF = 100_000;
const GZIP = { 'Content-Encoding': 'gzip' };

type Script = (request: RawRequest, reply: RawReply) => unknown;

/** Runs against a server that does wrong; then again against the same one, which has come to itself. */
async function thenAgain(
  script: Script,
  {
    retries = 1,
    timeoutMs = 10_000,
  }: { readonly retries?: number; readonly timeoutMs?: number } = {},
) {
  let isWrong = true;
  const server = await serve(async (request, reply) => {
    if (isWrong) await script(request, reply);
    else await reply.send(honest(a.bytes, request));
  });
  const setup = {
    dest: destIn(await tempDir()),
    manifest,
    sources: [`${server.url}/{name}`],
    retries,
  };
  const first = await run({ ...setup, timeoutMs });
  const kept = await new PartStore(layoutOf(setup.dest).partial).bytesHere({
    name: a.name,
    md5: String(a.file['md5']),
  });
  const asked = server.requests.length;
  isWrong = false;
  const again = await run(setup);
  expect(again.outcomes).toEqual(['downloaded']);
  expect(again.exit).toBe(0);
  return { first, kept, asked, server };
}

const send = (bytes: string | Uint8Array) => async (_: RawRequest, reply: RawReply) => {
  await reply.send(bytes);
  reply.end();
};
const firstHalf = a.bytes.subarray(0, HALF);
const half = brokenOff(a.bytes, HALF);

function errorOf(ran: Ran) {
  return ran.result?.outcomes[0]?.error;
}

describe('a body that ends early is kept, and resumed', () => {
  it.each([
    { name: '#1 before its announced length', script: send(half) },
    { name: '#2 before its last chunk', script: send(chunked([firstHalf], { end: false })) },
    {
      name: '#3 in good order, with no length announced',
      script: send(Buffer.concat([Buffer.from(head(200, { ETag: '"v1"' })), firstHalf])),
    },
    {
      name: '#16 in a stall',
      timeoutMs: 1000,
      script: async (_: RawRequest, reply: RawReply) => {
        await reply.send(half);
        await reply.hang();
      },
    },
    {
      name: '#18 in a trickle',
      timeoutMs: 1000,
      script: async (_: RawRequest, reply: RawReply) => {
        await reply.send(half);
        let at = HALF;
        while (await reply.send(a.bytes.subarray(at, at + 1))) {
          at += 1;
          await reply.wait(20);
        }
      },
    },
  ])('$name', async ({ script, timeoutMs = 10_000 }) => {
    const { first, kept, server } = await thenAgain(script, { retries: 0, timeoutMs });
    expect(first.exit).toBe(4);
    expect(kept).toBeGreaterThanOrEqual(HALF);
    expect(errorOf(first)?.facts.kept).toContain('100 KB');
    expect(server.requests.at(-1)?.headers['range']).toBe(`bytes=${kept}-`);
  });

  it('#1 within one run, over as many connections as it takes', async () => {
    const piece = 70_000;
    const server = await serve(async (request, reply) => {
      const whole = honest(a.bytes, request);
      await reply.send(whole.subarray(0, whole.indexOf('\r\n\r\n') + 4 + piece));
      reply.end();
    });
    const ran = await run({
      dest: destIn(await tempDir()),
      manifest,
      sources: [`${server.url}/{name}`],
      retries: 1,
    });
    expect(ran.outcomes).toEqual(['downloaded']);
    expect(server.requests.map(({ headers }) => headers['range'])).toEqual([
      undefined,
      `bytes=${piece}-`,
      `bytes=${2 * piece}-`,
    ]);
    const kept = ran.events.flatMap((event) => (event.event === 'retry' ? [event.keptBytes] : []));
    expect(kept).toEqual([piece, 2 * piece]);
    expect(ran.result?.bytesDownloaded).toBe(a.bytes.length);
  });
});

describe('what is not the file is seen before anything is kept', () => {
  const long = 'x'.repeat(400_000);
  it.each([
    { name: '#5 another length', script: send(whole(noise('long', 999_999))) },
    {
      name: '#8 a page of the announced length',
      script: send(html('x'.repeat(a.bytes.length - 22))),
    },
    { name: '#8 a short page', script: send(html('please log in')) },
    {
      name: '#8 a page without a length',
      script: send(chunked([Buffer.from('<html>login</html>')])),
    },
    {
      name: '#8 a page that says it is a zip',
      script: send(whole(Buffer.from(`<html>${long}`), { 'Content-Type': 'application/zip' })),
    },
    {
      name: '#8 what does not begin as a zip',
      script: send(chunked([noise('no zip', a.bytes.length)])),
    },
    { name: '#4 #5 nothing', script: send(whole(Buffer.alloc(0))) },
  ])('$name', async ({ script }) => {
    const { first, kept, asked } = await thenAgain(script);
    expect(first.outcomes).toEqual(['not-the-file']);
    expect(first.exit).toBe(9);
    expect(kept).toBe(0);
    // A busy server may send such a thing once.
    expect(asked).toBe(2);
    expect(errorOf(first)?.facts).toMatchObject({
      file: a.name,
      expected: saying('zip archive of about 201 KB'),
      kept: 'nothing of it',
    });
  });

  it.each([
    { name: 'a page', script: send(html('please log in')), is: 'is a web page' },
    {
      name: 'a page without a type',
      script: send(whole(Buffer.from('<html>log in'))),
      is: 'is a web page',
    },
    { name: 'anything else', script: send(whole(Buffer.alloc(8175))), is: 'has 8,175 bytes' },
    {
      name: 'what breaks off before it can be recognized',
      script: async (_: unknown, reply: RawReply) => {
        await reply.send(head(200, { 'Content-Length': '8175' }));
        reply.end();
      },
      is: 'has 8,175 bytes',
    },
  ])('#8 of the wrong length, it is reported what it is: $name', async ({ script, is }) => {
    const { first } = await thenAgain(script);
    expect(errorOf(first)?.message).toMatch(
      new RegExp(`^ChestDx-1\\.zip: what http://\\S+ serves ${is} \\(2 attempts\\)$`),
    );
    expect(errorOf(first)?.next).toMatchObject([
      { kind: 'advice', text: saying('in a browser'), or: { kind: 'option', option: 'source' } },
    ]);
  });

  it('#8 shows what came instead, made printable', async () => {
    const page = '<html><p>\u001b[31mlog in\u202e</html>';
    const { first } = await thenAgain(send(chunked([Buffer.from(page)])));
    expect(errorOf(first)?.facts.found).toBe('\\x1b[31mlog in\\u202e');
  });

  it('#6 a body that never ends is left when it is longer than the file can be', async () => {
    const { first, asked, kept } = await thenAgain(async (_, reply) => {
      await reply.send(head(200, { ETag: '"v1"' }));
      await reply.send(a.bytes);
      const more = noise('more', 50_000);
      while (await reply.send(more)) await reply.wait(1);
    });
    expect(first.exit).toBe(9);
    expect(errorOf(first)?.message).toContain('is larger than the published size allows');
    expect({ asked, kept }).toEqual({ asked: 1, kept: 0 });
    expect(first.result?.bytesDownloaded).toBeLessThan(3_000_000);
  });

  it.each([
    { name: '#8 a login page', wrong: html('please log in') },
    { name: '#5 another length', wrong: whole(noise('long', 999_999)) },
    { name: '#31 what is no gzip', wrong: whole(Buffer.alloc(a.bytes.length), GZIP) },
    { name: '#13 a 404', wrong: answer(404, 'gone') },
  ])('$name does not cost the part that is here', async ({ wrong }) => {
    let state: 'half' | 'wrong' | 'right' = 'half';
    const server = await serve(async (request, reply) => {
      const bytes = { half, wrong, right: honest(a.bytes, request) };
      await reply.send(bytes[state]);
      if (state === 'half') reply.end();
    });
    const setup = {
      dest: destIn(await tempDir()),
      manifest,
      sources: [`${server.url}/{name}`],
      retries: 0,
    };
    await run(setup);
    state = 'wrong';
    await run(setup);
    state = 'right';
    const last = await run(setup);
    expect(last.exit).toBe(0);
    expect(last.result?.bytesDownloaded).toBe(a.bytes.length - HALF);
  });
});

describe('more than was announced', () => {
  it('#4 is cut by the announced length, and the rest is right', async () => {
    const server = await serve(async (request, reply) => {
      await reply.send(Buffer.concat([honest(a.bytes, request), noise('more', 50)]));
      reply.end();
    });
    const dest = destIn(await tempDir());
    const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`] });
    expect(ran.exit).toBe(0);
  });
});

describe('a broken answer counts as a failed attempt', () => {
  const raw = (text: string) => send(`HTTP/1.1 200 OK\r\n${text}\r\n\r\n${'x'.repeat(100)}`);
  it.each([
    // What the parser refuses is asked for once more, for a lenient one.
    { name: '#7 two lengths', requests: 4, script: raw('Content-Length: 5\r\nContent-Length: 6') },
    { name: '#7 a negative length', requests: 4, script: raw('Content-Length: -5') },
    { name: '#7 a list of lengths', requests: 4, script: raw('Content-Length: 5,6') },
    {
      name: '#7 a length and chunks',
      requests: 3,
      script: raw('Content-Length: 5\r\nTransfer-Encoding: chunked'),
    },
    { name: '#21 too long a header', script: raw(`X: ${'x'.repeat(100_000)}`) },
    {
      name: '#21 too many headers',
      script: raw(Array(50_000).fill('X: y').join('\r\n')),
    },
    { name: '#30 nothing at all', script: send('') },
  ])('$name', async ({ script, requests = 2 }) => {
    const { first, asked, kept } = await thenAgain(script);
    expect(first.outcomes).toEqual(['network']);
    expect({ exit: first.exit, asked, kept }).toEqual({ exit: 4, asked: requests, kept: 0 });
    expect(errorOf(first)?.facts.attempts).toBe(2);
  });

  it.each([
    { name: '#19 headers byte by byte', drip: 'x', before: 'HTTP/1.1 200 OK\r\nX: ' },
    { name: '#20 a 102 without end', drip: head(102), before: '' },
  ])('$name', async ({ drip, before }) => {
    const { first, asked } = await thenAgain(
      async (_, reply) => {
        await reply.send(before);
        while (await reply.send(drip)) await reply.wait(30);
      },
      { timeoutMs: 300 },
    );
    expect(first.outcomes).toEqual(['stalled']);
    expect({ exit: first.exit, asked }).toEqual({ exit: 4, asked: 2 });
    expect(errorOf(first)?.next).toEqual(nextSaying('--timeout'));
  });
});

describe('a refusal for good is not asked again', () => {
  it.each([
    { name: '#13 410', reply: answer(410, 'no'), code: 'file-not-at-source' },
    { name: '#14 401', reply: answer(401, 'no'), code: 'http-status' },
    { name: '#14 407', reply: answer(407, 'no'), code: 'http-status' },
    { name: '#22 a redirect that leads nowhere', reply: answer(302, '<html>'), code: 'network' },
    { name: '#27 a redirect to a file', reply: redirect('file:///etc/passwd'), code: 'network' },
  ])('$name', async ({ reply: bytes, code }) => {
    const { first, asked } = await thenAgain((_, reply) => reply.send(bytes));
    expect(first.outcomes).toEqual([code]);
    expect(first.exit).toBe(4);
    expect(asked).toBe(1);
  });

  it('#14 says which credentials are missing', async () => {
    const { first } = await thenAgain((_, reply) => reply.send(answer(401, 'no')));
    expect(errorOf(first)?.next).toEqual(nextSaying("--header 'Authorization: …'"));
  });

  it('#23 #24 a redirect that goes in a circle', async () => {
    const { first, asked } = await thenAgain((request, reply) =>
      reply.send(redirect(request.path === '/x' ? `/${a.name}` : '/x')),
    );
    expect(first.outcomes).toEqual(['network']);
    expect({ exit: first.exit, asked }).toEqual({ exit: 4, asked: 2 });
  });
});

describe('#10 #11 a server that asks to wait', () => {
  const busy = (retryAfter: string) => answer(503, '', { 'Retry-After': retryAfter });

  it('gets its wait, as often as it asks', async () => {
    const server = await serve((request, reply) =>
      reply.send(request.index < 3 ? busy('2') : honest(a.bytes, request)),
    );
    const dest = destIn(await tempDir());
    const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`], retries: 3 });
    expect(ran.exit).toBe(0);
    const delays = ran.events.flatMap((event) => (event.event === 'retry' ? [event.delayMs] : []));
    expect(delays).toHaveLength(3);
    for (const delay of delays) expect(delay).toBeGreaterThanOrEqual(2000);
  });

  it.each(['abc', '-1', 'Thu, 01 Jan 1970 00:00:00 GMT'])(
    'with "%s" gets the usual wait',
    async (text) => {
      const { first } = await thenAgain((_, reply) => reply.send(busy(text)));
      const waits = first.clock.sleeps;
      expect(waits).toHaveLength(1);
      expect(waits[0]).toBeLessThan(2000);
      expect(errorOf(first)?.facts).toEqual(lacking({ retryAfterS: 1 }));
    },
  );

  it('for a day is left, for all files, and it is said when to come back', async () => {
    const b = sampleArchive('ChestDx-2.zip');
    const server = await serve((_, reply) => reply.send(busy('86400')));
    const dest = destIn(await tempDir());
    const ran = await run({
      dest,
      manifest: manifestOf(a, b),
      sources: [`${server.url}/{name}`],
      concurrency: 1,
    });
    expect(ran.outcomes).toEqual(['http-status', 'http-status']);
    expect(ran.exit).toBe(4);
    expect(errorOf(ran)?.message).toContain('it asks to wait 24 h');
    expect(server.requests).toHaveLength(1);
    expect(ran.clock.sleeps).toEqual([]);
  });
});

it('#15 a server that flaps gets there as long as there is progress', async () => {
  const big = sampleArchive('ChestDx-1.zip', { bytes: 1_000_000 });
  const server = await serve(async (request, reply) => {
    if (request.index % 2 === 0) {
      await reply.send(answer(500, ''));
      return;
    }
    const bytes = honest(big.bytes, request);
    await reply.send(bytes.subarray(0, 100_000));
    reply.end();
  });
  const dest = destIn(await tempDir());
  const setup = { dest, manifest: manifestOf(big), sources: [`${server.url}/{name}`] };
  const ran = await run({ ...setup, retries: 2 });
  expect(ran.exit).toBe(0);
  expect(server.requests.length).toBeGreaterThan(18);
});

it('#15 a server that gives a few bytes a request is given up', async () => {
  const { first, asked } = await thenAgain(
    async (request, reply) => {
      const bytes = honest(a.bytes, request);
      await reply.send(bytes.subarray(0, bytes.indexOf('\r\n\r\n') + 4 + 300));
      reply.end();
    },
    { retries: 4 },
  );
  expect(first.outcomes).toEqual(['network']);
  expect(asked).toBe(5);
});
