import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { type Attempt, Dialer, dialTcp, orderAddresses, race } from '../../src/http/connect.ts';
import { fastClock, handClock } from '../support/clock.ts';
import { readAll, useHttpClients } from '../support/http-clients.ts';
import { answer, useRawServers } from '../support/raw-server.ts';
import { extraResources } from '../support/resources.ts';
import { hasSilentAddresses, useSilentAddresses } from '../support/silent-address.ts';

const serve = useRawServers();
const silent = useSilentAddresses();
const newClient = useHttpClients();

describe('the order of addresses', () => {
  it.each([
    { what: 'as the system has them', addresses: ['1.1.1.1', '2.2.2.2'] },
    {
      what: 'both families in turns, that of the first one first',
      addresses: ['::1', '::2', '::3', '1.1.1.1'],
      order: ['::1', '1.1.1.1', '::2', '::3'],
    },
    {
      what: 'the one that worked first, those that failed last',
      addresses: ['1.1.1.1', '2.2.2.2', '3.3.3.3'],
      working: '3.3.3.3',
      failed: ['1.1.1.1'],
      order: ['3.3.3.3', '2.2.2.2', '1.1.1.1'],
    },
    { what: 'each once', addresses: ['1.1.1.1', '1.1.1.1'], order: ['1.1.1.1'] },
  ])('$what', ({ addresses, working, failed = [], order = addresses }) => {
    expect(orderAddresses({ addresses, working, failed: new Set(failed) })).toEqual(order);
  });
});

/** What an address does: connects or refuses after so many milliseconds, or never answers. */
type Script = readonly [what: 'connects' | 'refuses', afterMs: number] | readonly ['silent', 0];

/** A race by a clock that is moved by hand, 50 ms a step. */
async function runRace(scripts: Readonly<Record<string, Script>>, untilMs = 5000) {
  const clock = handClock();
  const beginMs = clock.nowMs();
  const begun: string[] = [];
  const stopped: string[] = [];
  const attempt: Attempt = async (address, signal) => {
    begun.push(`${address} at ${clock.nowMs() - beginMs}`);
    signal.addEventListener('abort', () => stopped.push(address));
    const [what, afterMs] = scripts[address] ?? ['silent', 0];
    await clock.sleep(what === 'silent' ? Infinity : afterMs, signal);
    if (what === 'refuses') throw Object.assign(new Error(address), { code: 'ECONNREFUSED' });
    return new Socket();
  };
  const user = new AbortController();
  const options = { delayMs: 300, clock, signal: user.signal };
  let result: string | undefined;
  const done = race(Object.keys(scripts), attempt, options).then(
    ({ winner }) => (result = `${winner} at ${clock.nowMs() - beginMs}`),
    (error: unknown) => (result = `${String(error)} at ${clock.nowMs() - beginMs}`),
  );
  while (result === undefined && clock.nowMs() - beginMs < untilMs) await clock.advance(50);
  if (result === undefined) user.abort(new Error('timed out'));
  await done;
  return { begun, stopped, result };
}

describe('the race of addresses', () => {
  it.each<{ what: string; scripts: Record<string, Script>; begun: string[]; result: string }>([
    {
      what: '#195 400 ms away, and only the first of two leads there',
      scripts: { a: ['connects', 400], b: ['silent', 0] },
      begun: ['a at 0', 'b at 300'],
      result: 'a at 400',
    },
    {
      what: '#195 400 ms away, and only the second of two leads there',
      scripts: { a: ['silent', 0], b: ['connects', 400] },
      begun: ['a at 0', 'b at 300'],
      result: 'b at 700',
    },
    {
      what: '#195 2 s away, and only the first of three leads there',
      scripts: { a: ['connects', 2000], b: ['silent', 0], c: ['silent', 0] },
      begun: ['a at 0', 'b at 300', 'c at 600'],
      result: 'a at 2000',
    },
    {
      what: 'after a refusal the next one begins at once',
      scripts: { a: ['refuses', 100], b: ['connects', 100] },
      begun: ['a at 0', 'b at 100'],
      result: 'b at 200',
    },
    {
      what: 'one that is near needs no other',
      scripts: { a: ['connects', 50], b: ['connects', 50] },
      begun: ['a at 0'],
      result: 'a at 50',
    },
    {
      what: 'all refuse',
      scripts: { a: ['refuses', 400], b: ['refuses', 400] },
      begun: ['a at 0', 'b at 300'],
      result: 'Error: a at 700',
    },
    {
      what: 'none answers',
      scripts: { a: ['silent', 0], b: ['silent', 0] },
      begun: ['a at 0', 'b at 300'],
      result: 'Error: timed out at 5000',
    },
  ])('$what', async ({ scripts, begun, result }) => {
    const ran = await runRace(scripts);
    expect(ran).toMatchObject({ begun, result });
    // Whoever has not answered by then is not left behind.
    expect(new Set(ran.stopped)).toEqual(new Set(begun.map((each) => each.slice(0, 1))));
  });

  it('of two that connect in the same moment the other one is closed', async () => {
    const sockets = [new Socket(), new Socket()];
    let open = () => undefined as unknown;
    const gate = new Promise((resolve) => (open = () => resolve(undefined)));
    const attempt: Attempt = async (address) => {
      await gate;
      return sockets[Number(address)] ?? new Socket();
    };
    const options = { delayMs: 1, clock: systemClock, signal: new AbortController().signal };
    const raced = race(['0', '1'], attempt, options);
    setTimeout(open, 50);
    const { winner } = await raced;
    await new Promise((resolve) => setImmediate(resolve));
    expect(winner).toBe('0');
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, true]);
  });

  it('an unreachable network says less than a refusal', async () => {
    const codes: Readonly<Record<string, string>> = { a: 'ENETUNREACH', b: 'ECONNREFUSED' };
    const attempt: Attempt = (address) =>
      Promise.reject(Object.assign(new Error('no'), { code: codes[address] }));
    const options = { delayMs: 300, clock: fastClock(), signal: new AbortController().signal };
    await expect(race(['a', 'b'], attempt, options)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });
});

/** Those that this process has open, or is opening, at either end. */
function connectionsSince(before: readonly string[]): readonly string[] {
  return extraResources(before).filter((name) => /^TCP(?:Socket|Connect)Wrap$/.test(name));
}

describe('a host with several addresses', () => {
  const never = new AbortController().signal;

  it('the address that worked is tried first from then on, one that did not comes last', async () => {
    const server = await serve((_, reply) => reply.send(answer(200, '')));
    const tried: string[] = [];
    const dialer = new Dialer({
      clock: systemClock,
      lookup: () => Promise.resolve(['127.0.0.8', '127.0.0.1']),
    });
    const attempt: Attempt = async (address, signal) => {
      tried.push(address);
      // Nothing listens at the first.
      return await dialTcp(address, server.port, signal);
    };
    for (let times = 0; times < 2; times += 1) {
      (await dialer.connect({ host: 'a.example', port: server.port }, never, attempt)).destroy();
    }
    expect(tried).toEqual(['127.0.0.8', '127.0.0.1', '127.0.0.1']);
  });

  it('the address that worked, and took long, is not waited for when it has died', async () => {
    let nowMs = 0;
    const clock = { ...fastClock(), nowMs: () => nowMs };
    let isDead = false;
    const dialer = new Dialer({ clock, lookup: () => Promise.resolve(['a', 'b']) });
    const attempt: Attempt = async (address) => {
      if (isDead && address === 'a') return await new Promise<Socket>(() => undefined);
      nowMs += 20_000;
      return new Socket();
    };
    (await dialer.connect({ host: 'h', port: 1 }, never, attempt)).destroy();
    isDead = true;
    (await dialer.connect({ host: 'h', port: 1 }, never, attempt)).destroy();
    expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(2000);
  });

  it('the address that worked comes last after an attempt that failed as a whole', async () => {
    const tried: string[] = [];
    let working = 'a';
    const dialer = new Dialer({
      clock: fastClock(),
      lookup: () => Promise.resolve(['a', 'b']),
    });
    const attempt: Attempt = (address) => {
      tried.push(address);
      return address === working
        ? Promise.resolve(new Socket())
        : Promise.reject(new Error('refused'));
    };
    (await dialer.connect({ host: 'h', port: 1 }, never, attempt)).destroy();
    working = 'none';
    await expect(dialer.connect({ host: 'h', port: 1 }, never, attempt)).rejects.toThrow('refused');
    working = 'b';
    (await dialer.connect({ host: 'h', port: 1 }, never, attempt)).destroy();
    expect(tried).toEqual(['a', 'a', 'b', 'b']);
  });

  it('a lookup that fails later does no harm', async () => {
    const server = await serve((_, reply) => reply.send(answer(200, '')));
    const answers = [['127.0.0.1']];
    const dialer = new Dialer({
      clock: systemClock,
      lookup: () => {
        const found = answers.pop();
        return found === undefined
          ? Promise.reject(new Error('EAI_AGAIN'))
          : Promise.resolve(found);
      },
    });
    for (let times = 0; times < 2; times += 1) {
      (await dialer.connect({ host: 'a.example', port: server.port }, never)).destroy();
    }
    await expect(dialer.connect({ host: 'b.example', port: server.port }, never)).rejects.toThrow(
      'EAI_AGAIN',
    );
  });

  it.skipIf(!hasSilentAddresses).each([
    { what: 'the first', addresses: ['127.0.0.9', '127.0.0.1'] },
    { what: 'the second', addresses: ['127.0.0.1', '127.0.0.9'] },
    { what: 'all but the last', addresses: ['127.0.0.9', '127.0.0.10', '127.0.0.1'] },
  ])('#195 is reached where $what does not answer', async ({ addresses }) => {
    const server = await serve((_, reply) => reply.send(answer(200, 'here')));
    for (const dead of addresses) {
      if (dead !== '127.0.0.1') await silent(dead, server.port);
    }
    const before = process.getActiveResourcesInfo();
    const client = newClient({ clock: systemClock, lookup: () => Promise.resolve(addresses) });
    const url = `http://far.example:${server.port}/`;
    expect(await readAll(client, url)).toBe('here');
    await client.close();
    await expect.poll(() => connectionsSince(before)).toEqual([]);
  });

  it.skipIf(!hasSilentAddresses)('#195 which takes longer than a second attempt', async () => {
    const server = await serve((_, reply) => reply.send(answer(200, '')));
    const first = await silent('127.0.0.9', server.port);
    await silent('127.0.0.10', server.port);
    const tried: string[] = [];
    const dialer = new Dialer({
      clock: systemClock,
      lookup: () => Promise.resolve(['127.0.0.9', '127.0.0.10']),
    });
    const socket = await dialer.connect(
      { host: 'far.example', port: server.port },
      never,
      async (address, signal) => {
        tried.push(address);
        // Only when the second attempt is under way does the first address answer.
        if (tried.length === 2) first.release();
        return await dialTcp(address, server.port, signal);
      },
    );
    expect(tried).toEqual(['127.0.0.9', '127.0.0.10']);
    expect(socket.remoteAddress).toBe('127.0.0.9');
    socket.destroy();
  });

  it.skipIf(!hasSilentAddresses)('#195 none answers: `stalled`, and nothing is left', async () => {
    const server = await serve(() => undefined);
    await silent('127.0.0.9', server.port);
    const before = process.getActiveResourcesInfo();
    const client = newClient({
      timeoutMs: 500,
      clock: systemClock,
      lookup: () => Promise.resolve(['127.0.0.9', '127.0.0.9']),
    });
    await expect(readAll(client, `http://far.example:${server.port}/`)).rejects.toMatchObject({
      code: 'stalled',
    });
    await client.close();
    await expect.poll(() => connectionsSince(before)).toEqual([]);
  });
});
