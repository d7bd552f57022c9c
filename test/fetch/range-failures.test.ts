import { describe, expect, it } from 'vitest';
import { addSpan, type Spans } from '../../src/download/spans.ts';
import { run } from '../support/fetching.ts';
import {
  big,
  isProbe,
  MIB,
  spansOf,
  TOTAL,
  unhurried,
  useRangedFetch,
} from '../support/ranged-fetch.ts';
import { answer, head, honest, slice, spanOf, type RawReply } from '../support/raw-server.ts';

const setUp = useRangedFetch();

describe('one connection of several', () => {
  it('that hangs is replaced by an idle one', async () => {
    let hung: readonly [number, number] | undefined;
    const { server, setup } = await setUp(async (request, reply) => {
      const bytes = honest(big.bytes, request);
      if (request.index !== 2) return reply.send(bytes);
      hung = spanOf(request);
      await reply.send(bytes.subarray(0, 100_000));
      return reply.hang();
    });
    const ran = await run(setup);
    expect(ran.exit).toBe(0);
    const [from, to] = hung ?? [0, 0];
    const again = spansOf(server).filter((span) => span[0] > from && span[1] <= to);
    expect(again.length).toBeGreaterThan(0);
    // Of what it had given, nothing comes again.
    expect(Math.min(...again.map(([first]) => first))).toBeGreaterThan(from + 90_000);
    expect(ran.result?.bytesDownloaded).toBeLessThan(TOTAL + 6 * MIB);
  });

  it('that is slow loses the second half of its rest to an idle one, and does not go beyond', async () => {
    let slow: readonly [number, number] | undefined;
    const { server, setup } = await setUp(async (request, reply) => {
      const bytes = honest(big.bytes, request);
      if (request.index !== 2) return reply.send(bytes);
      slow = spanOf(request);
      for (let at = 0; at < bytes.length && !reply.isGone(); at += 100_000) {
        await reply.send(bytes.subarray(at, at + 100_000));
        // So slow that the others are done first on a loaded machine, too.
        await reply.wait(500);
      }
      return undefined;
    });
    const ran = await run(setup);
    expect(ran.exit).toBe(0);
    const [from, to] = slow ?? [0, 0];
    const taken = spansOf(server).filter((span) => span[0] > from && span[1] === to);
    expect(taken.length).toBeGreaterThan(0);
    expect(ran.result?.bytesDownloaded).toBeLessThan(TOTAL + 6 * MIB);
  });

  it.each([
    {
      name: '#12 gets 429',
      refuse: (reply: RawReply) => reply.send(answer(429, '', { 'Retry-After': 1 })),
    },
    { name: '#10 gets 503', refuse: (reply: RawReply) => reply.send(answer(503, '')) },
    {
      name: '#39 is reset',
      refuse: (reply: RawReply) => {
        reply.reset();
        return Promise.resolve();
      },
    },
    {
      name: '#1 breaks off',
      refuse: async (reply: RawReply, bytes: Uint8Array) => {
        await reply.send(bytes.subarray(0, 300_000));
        reply.end();
      },
    },
    {
      name: '#16 gives a few bytes',
      refuse: (reply: RawReply, _: Uint8Array, [from]: readonly [number, number]) =>
        reply.send(slice(big.bytes, [from, from + 10])),
    },
  ])('that $name leaves its bytes to the others', async ({ refuse }) => {
    const { server, setup } = await setUp(
      async (request, reply) => {
        const bytes = honest(big.bytes, request);
        if (request.index === 2) await refuse(reply, bytes, spanOf(request) ?? [0, 0]);
        else await reply.send(bytes);
      },
      { retries: 0, ...unhurried },
    );
    const ran = await run(setup);
    expect(ran.exit).toBe(0);
    expect(ran.result?.bytesDownloaded).toBeLessThanOrEqual(TOTAL + 10);
    const retries = ran.events.filter(({ event }) => event === 'retry');
    expect(retries.length).toBeLessThanOrEqual(1);
    const union = spansOf(server).reduce<Spans>((sum, span) => addSpan(sum, span), []);
    expect(union).toEqual([[0, TOTAL]]);
  });

  it('#39 of a server that allows two adapts to it', async () => {
    let open = 0;
    let most = 0;
    const { setup } = await setUp(async (request, reply) => {
      if (open >= 2) {
        reply.reset();
        return;
      }
      open += 1;
      most = Math.max(most, open);
      await reply.wait(10);
      await reply.send(honest(big.bytes, request));
      open -= 1;
    }, unhurried);
    const ran = await run(setup);
    expect(ran.exit).toBe(0);
    expect(most).toBe(2);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL);
  });

  it('is the last of all that fail: only then an attempt is counted, and an error reported', async () => {
    const { server, setup } = await setUp((request, reply) => {
      if (isProbe(request)) return reply.send(honest(big.bytes, request));
      reply.reset();
      return undefined;
    });
    const ran = await run(setup);
    expect(ran.outcomes).toEqual(['network']);
    expect(ran.exit).toBe(4);
    // With two retries: the first round over all connections, and then one probe each.
    expect(server.requests.length).toBeLessThanOrEqual(1 + 2 * 8 + 2 * 2);
    expect(ran.result?.outcomes[0]?.error?.facts.kept).toContain('to resume from');
  });
});

it('#6 a part that does not end is cut where it was to end', async () => {
  const { setup } = await setUp(async (request, reply) => {
    const span = spanOf(request);
    if (span === undefined || request.index !== 3) return reply.send(honest(big.bytes, request));
    const [from, to] = span;
    const range = { ETag: '"v1"', 'Content-Range': `bytes ${from}-${to - 1}/${TOTAL}` };
    await reply.send(head(206, { ...range, Connection: 'close' }));
    await reply.send(big.bytes.subarray(from, to));
    while (await reply.send(Buffer.alloc(64 * 1024))) await reply.wait(1);
    return undefined;
  });
  const ran = await run(setup);
  expect(ran.exit).toBe(0);
});
