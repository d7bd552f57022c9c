import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { durableSpansOf, parsePartState } from '../../src/download/part-state.ts';
import { bytesOf, gapsOf } from '../../src/download/spans.ts';
import { bigSample } from '../support/big-sample.ts';
import { manifestOf, run } from '../support/fetching.ts';
import {
  MIB,
  TOTAL,
  big,
  expectEachOnce,
  isProbe,
  spansOf,
  unhurried,
  useRangedFetch,
} from '../support/ranged-fetch.ts';
import {
  type RawReply,
  type RawRequest,
  type RawScript,
  honest,
  slice,
  spanOf,
  useRawServers,
  whole,
} from '../support/raw-server.ts';
import { listTree } from '../support/temp-dirs.ts';

const setUp = useRangedFetch();
const serve = useRawServers();
const PATIENT = { timeout: 20_000 };

/** Waits until so many requests are under way at once. */
function gate(count: number) {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let waiting = 0;
  return async () => {
    waiting += 1;
    if (waiting >= count) open();
    await opened;
  };
}

describe('a large file, from a server that serves ranges', () => {
  it.each([2, 3, 8])('comes over %d connections, each byte once', async (connections) => {
    const allAreOpen = gate(connections);
    let open = 0;
    let most = 0;
    const script = async (request: RawRequest, reply: RawReply) => {
      open += 1;
      most = Math.max(most, open);
      if (!isProbe(request)) await allAreOpen();
      open -= 1;
      await reply.send(honest(big.bytes, request));
    };
    const { server, setup } = await setUp(script, { connections, ...unhurried });
    const ran = await run(setup);
    expect(ran.outcomes).toEqual(['downloaded']);
    expect(most).toBe(connections);
    expectEachOnce(spansOf(server));
    expect(ran.result?.bytesDownloaded).toBe(TOTAL);
    // A request that starts in the moment in which the first segment ends may find its socket still busy.
    expect(server.connections().made).toBeLessThanOrEqual(connections + 1);
  });

  it('comes over one, and in one piece, where no more is allowed', async () => {
    const script: RawScript = (request, reply) => reply.send(honest(big.bytes, request));
    const { server, setup } = await setUp(script, { connections: 1 });
    expect((await run(setup)).exit).toBe(0);
    expect(server.requests.map(({ headers }) => headers['range'])).toEqual([undefined]);
  });

  it('shares the connections with another one, and gets them all when that is done', async () => {
    const b = bigSample('ChestDx-2.zip', 17 * MIB, 2);
    const held: { readonly name: string; readonly go: () => void }[] = [];
    let isOpen = false;
    const script = async (request: RawRequest, reply: RawReply) => {
      const file = request.path.startsWith(`/${big.name}`) ? big : b;
      const isFirst = spanOf(request)?.[0] === 0;
      if (!isFirst && !isOpen) {
        await new Promise<void>((go) => held.push({ name: file.name, go }));
      }
      await reply.send(honest(file.bytes, request));
    };
    const manifest = manifestOf(big, b);
    const { setup } = await setUp(script, { manifest, connections: 4, ...unhurried });
    const running = run({ ...setup, concurrency: 2 });
    const names = () => held.map(({ name }) => name).sort();
    const release = (name: string) => {
      const at = held.findIndex((each) => each.name === name);
      held.splice(at, 1)[0]?.go();
    };
    await expect.poll(() => held.length, PATIENT).toBe(4);
    // Who proved first may have got more: what it gives back goes to the other.
    for (const name of [big.name, b.name]) {
      while (names().filter((each) => each === name).length > 2) {
        release(name);
        await expect.poll(() => held.length, PATIENT).toBe(4);
      }
    }
    await expect.poll(names, PATIENT).toEqual([big.name, big.name, b.name, b.name]);
    isOpen = true;
    for (const { go } of held.splice(0)) go();
    const ran = await running;
    expect(ran.outcomes).toEqual(['downloaded', 'downloaded']);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL + b.bytes.length);
  });
});

describe('a file that changes while it comes over several connections', () => {
  const newer = bigSample(big.name, TOTAL, 3);
  const change = (after: number, changed: (request: RawRequest) => Uint8Array): RawScript => {
    return (request, reply) =>
      reply.send(request.index < after ? honest(big.bytes, request) : changed(request));
  };

  it.each([
    {
      name: '#46 and says so: the whole of the new one comes',
      changed: (request: RawRequest) => honest(newer.bytes, request, '"v2"'),
    },
    {
      name: '#47 and shows another validator: the MD5 finds the mixture',
      changed: (request: RawRequest) => {
        const span = spanOf(request);
        const headers = { ETag: '"v2"' };
        return span === undefined ? whole(newer.bytes, headers) : slice(newer.bytes, span, headers);
      },
    },
    {
      name: '#44 and has another total',
      changed: (request: RawRequest) => {
        const span = spanOf(request);
        if (span === undefined) return whole(newer.bytes, { ETag: '"v2"' });
        const [from, to] = span;
        return slice(newer.bytes, span, {
          'Content-Range': `bytes ${from}-${to - 1}/${TOTAL + 1}`,
        });
      },
    },
  ])('$name', async ({ changed }) => {
    const { setup } = await setUp(change(4, changed), { manifest: manifestOf(newer) });
    const ran = await run(setup);
    expect(ran.outcomes).toEqual(['downloaded']);
    expect(ran.exit).toBe(0);
  });

  it('#46 into one that is not the published: nothing is spliced, nothing gets its name', async () => {
    const server = (request: RawRequest) => honest(newer.bytes, request, '"v2"');
    const { setup } = await setUp(change(4, server));
    const ran = await run(setup);
    expect(ran.outcomes).toEqual(['md5-mismatch']);
    expect(ran.exit).toBe(3);
  });

  it('the ranges end in the middle: what is here is resumed as the server allows', async () => {
    const { server, setup } = await setUp((request, reply) =>
      reply.send(request.index < 4 ? honest(big.bytes, request) : whole(big.bytes)),
    );
    const ran = await run(setup);
    expect(ran.exit).toBe(0);
    // The rest, as another node might serve it; or the whole file, of which the rest is taken.
    const last = server.requests.at(-1)?.headers['range'];
    const from = Number(/^bytes=(\d+)-$/.exec(last ?? 'bytes=0-')?.[1]);
    expect(from).toBeLessThanOrEqual(MIB);
    const done = ran.events.flatMap((event) =>
      event.event === 'progress' ? [event.doneBytes] : [],
    );
    expect(done).toEqual([...done].sort((a, b) => a - b));
  });

  it.each([
    { name: '#42 from a later byte', shift: 5, headers: {} },
    { name: '#44 of another total', shift: 0, headers: { 'Content-Range': 'bytes 9-10/11' } },
    { name: '#45 in several parts', shift: 0, headers: { 'Content-Type': 'multipart/byteranges' } },
  ])('a part $name in one connection: the others go on', async ({ shift, headers }) => {
    const { server, setup } = await setUp((request, reply) => {
      const [from, to] = spanOf(request) ?? [0, 0];
      if (request.index !== 3) return reply.send(honest(big.bytes, request));
      return reply.send(slice(big.bytes, [from + shift, to], headers));
    });
    const ran = await run(setup);
    expect(ran.exit).toBe(0);
    expect(server.requests.every((request) => spanOf(request) !== undefined)).toBe(true);
    expect(ran.result?.bytesDownloaded).toBeLessThan(1.05 * TOTAL + MIB);
  });
});

describe('a part with gaps', () => {
  /** The connections that have the front hang; the others fill up what follows. */
  async function stopWithGaps() {
    const stop = new AbortController();
    let isWell = false;
    const { server, setup } = await setUp(async (request, reply) => {
      const bytes = honest(big.bytes, request);
      const [from, to] = spanOf(request) ?? [0, 0];
      if (isWell || from < 256 * 1024 || from > 2 * MIB) {
        await reply.send(bytes);
        // If all arrives between two progress events, the second is never emitted.
        if (!isWell && to === TOTAL - 1) setTimeout(() => stop.abort(), 1000);
        return;
      }
      await reply.send(bytes.subarray(0, 50_000));
      return reply.hang();
    });
    const stopped = await run({
      ...setup,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.event === 'progress' && event.doneBytes > 10 * MIB) stop.abort();
      },
    });
    expect(stopped.error).toMatchObject({ code: 'aborted' });
    isWell = true;
    const partial = layoutOf(setup.dest).partial;
    const name = (await listTree(partial)).find((each) => each.endsWith('.json')) ?? '';
    const state = parsePartState(await readFile(join(partial, name), 'utf8'));
    if (typeof state !== 'object') throw new Error('no state');
    return { server, setup, state, partial, before: server.requests.length };
  }

  it('is resumed: only what is missing is downloaded', async () => {
    const { setup, state } = await stopWithGaps();
    expect(state.islands.length).toBeGreaterThan(0);
    expect(state.durableBytes).toBeLessThan(TOTAL / 2);
    const held = durableSpansOf(state);
    const ran = await run(setup);
    expect(ran.exit).toBe(0);
    expect(ran.result?.plan.steps[0]?.keptBytes).toBe(bytesOf(held));
    expect(ran.result?.bytesDownloaded).toBe(TOTAL - bytesOf(held));
  });

  it('is resumed over one connection: gap by gap', async () => {
    const { server, setup, state, before } = await stopWithGaps();
    const held = durableSpansOf(state);
    const ran = await run({ ...setup, connections: 1 });
    expect(ran.exit).toBe(0);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL - bytesOf(held));
    expect(server.requests.length - before).toBe(gapsOf(held, TOTAL).length);
  });

  it('#46 is given up when the file has changed', async () => {
    const { setup } = await stopWithGaps();
    const newer = bigSample(big.name, TOTAL, 4);
    const changed = await serve((request, reply) =>
      reply.send(honest(newer.bytes, request, '"v2"')),
    );
    // The published file stays the old one.
    const ran = await run({ ...setup, sources: [`${changed.url}/{name}`] });
    expect(ran.outcomes).toEqual(['md5-mismatch']);
  });
});
