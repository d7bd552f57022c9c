import { describe, expect, it } from 'vitest';
import { ConnectionCount, type CountChange, LineMeter } from '../../src/http/connection-count.ts';
import { handClock } from '../support/clock.ts';

const MB = 1e6;
const STEP_MS = 50;

interface Server {
  /** Bytes a second, over all connections. */
  readonly speed: (connections: number, atS: number) => number;
  /** Requests beyond this many are refused. */
  readonly allows?: number;
  /** How many of the connections wait for the disk. */
  readonly held?: (connections: number) => number;
  /** As many as are wanted. Default: all that are allowed. */
  readonly wanted?: number;
  /** Seconds at which connections break, all or so many. */
  readonly breaksAtS?: readonly number[];
  readonly breaks?: number;
}

interface Run {
  readonly changes: readonly CountChange[];
  /** When connections were opened, in milliseconds. */
  readonly opened: readonly number[];
  readonly refusals: number;
  readonly target: number;
}

/** A run against a made-up server, without time passing. */
function simulate(server: Server, { most = 16, seconds = 60, limit = Infinity } = {}): Run {
  const count = new ConnectionCount(most, limit);
  const changes: CountChange[] = [];
  const opened: number[] = [];
  const note = (change: CountChange | undefined) => {
    if (change !== undefined) changes.push(change);
  };
  let [inUse, bytes, heldMs, refusals] = [0, 0, 0, 0];
  for (let nowMs = 0; nowMs <= seconds * 1000; nowMs += STEP_MS) {
    if (server.breaksAtS?.includes(nowMs / 1000) === true) {
      const left = Math.max(0, inUse - (server.breaks ?? inUse));
      for (; inUse > left; inUse -= 1) count.onBroken(inUse);
    }
    inUse = Math.min(inUse, count.allowed);
    while (inUse < Math.min(count.allowed, server.wanted ?? Infinity)) {
      opened.push(nowMs);
      inUse += 1;
      if (inUse <= (server.allows ?? Infinity)) continue;
      refusals += 1;
      note(count.onRefused(nowMs, inUse));
      count.onBroken(inUse);
      inUse -= 1;
      break;
    }
    bytes += (server.speed(inUse, nowMs / 1000) * STEP_MS) / 1000;
    heldMs += (server.held?.(inUse) ?? 0) * STEP_MS;
    note(count.onSample({ nowMs: nowMs + STEP_MS, bytes, heldMs }, inUse));
  }
  return { changes, opened, refusals, target: count.target };
}

/** The same numbers each time, between -1 and 1. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 30 - 1;
  };
}

const each = (connections: number) => connections * 2 * MB;
const atMost = (most: number) => (connections: number) => Math.min(each(connections), most * MB);

describe('the number of connections', () => {
  it.each<{ name: string; server: Server; most?: number; numbers: readonly number[] }>([
    { name: 'each has its own limit', server: { speed: each }, numbers: [8, 16] },
    {
      name: 'each has, and 32 are allowed',
      server: { speed: each },
      most: 32,
      numbers: [8, 16, 32],
    },
    { name: 'twelve are allowed', server: { speed: each }, most: 12, numbers: [8, 12] },
    { name: 'two are allowed', server: { speed: each }, most: 2, numbers: [] },
    { name: 'all have one limit', server: { speed: () => 5 * MB }, numbers: [8, 4] },
    { name: 'it is fastest with 8', server: { speed: atMost(16) }, numbers: [8, 16, 8] },
    { name: 'twice as many bring a fifth', server: { speed: atMost(19.3) }, numbers: [8, 16] },
    { name: 'they bring less', server: { speed: atMost(19) }, numbers: [8, 16, 8] },
    { name: 'it refuses the seventh', server: { speed: each, allows: 6 }, numbers: [8, 4] },
    { name: 'it refuses the third', server: { speed: each, allows: 2 }, numbers: [] },
    { name: 'nothing comes', server: { speed: () => 0 }, numbers: [] },
    { name: 'there is work for three', server: { speed: each, wanted: 3 }, numbers: [] },
    {
      name: 'the disk is the bound',
      server: { speed: () => 100 * MB, held: (connections) => connections * 0.6 },
      numbers: [],
    },
    {
      name: 'the disk is not the bound',
      server: { speed: each, held: (connections) => connections * 0.4 },
      numbers: [8, 16],
    },
    {
      name: 'the line gets slower all the time',
      server: { speed: (_, atS) => (20 * MB) / (1 + atS / 10) },
      numbers: [8, 4],
    },
    {
      name: 'the line gets slow after a while',
      server: { speed: (connections, atS) => each(connections) / (atS > 20 ? 10 : 1) },
      numbers: [8, 16],
    },
  ])('where $name goes $numbers', ({ server, most = 16, numbers }) => {
    const { changes } = simulate(server, { most });
    expect(changes.map(({ connections }) => connections)).toEqual(numbers);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('is found in noise of a tenth, too (%i)', (seed) => {
    const random = noise(seed);
    const noisy = (speed: (connections: number) => number): Server => ({
      speed: (connections) => speed(connections) * (1 + random() / 10),
    });
    expect(simulate(noisy(each)).target).toBe(16);
    expect(simulate(noisy(() => 10 * MB)).target).toBe(4);
  });

  it.each([
    { limit: 9, numbers: [] },
    { limit: 10, numbers: [8] },
    { limit: 20, numbers: [8, 16] },
  ])('goes $numbers with a rate limit of $limit MB/s', ({ limit, numbers }) => {
    const speed = (connections: number) => Math.min(each(connections), limit * MB);
    const { changes } = simulate({ speed }, { limit: limit * MB });
    expect(changes.map(({ connections }) => connections)).toEqual(numbers);
  });

  it('grows although connections break again and again', () => {
    const breaks = Array.from({ length: 60 }, (_, index) => index + 0.5);
    const { changes } = simulate({ speed: each, breaksAtS: breaks, breaks: 1 });
    expect(changes.map(({ connections }) => connections)).toEqual([8, 16]);
  });

  it('says why it changes, and what was measured', () => {
    expect(simulate({ speed: atMost(8) }).changes).toEqual([
      { connections: 8, before: 4, why: 'trial', bytesPerSecond: expect.closeTo(8e6, 0) as number },
      {
        connections: 4,
        before: 8,
        why: 'no-gain',
        bytesPerSecond: expect.closeTo(8e6, 0) as number,
      },
    ]);
    expect(simulate({ speed: each, allows: 6 }).changes).toEqual([
      { connections: 8, before: 4, why: 'trial', bytesPerSecond: expect.closeTo(8e6, 0) as number },
      { connections: 4, before: 8, why: 'refused', bytesPerSecond: null },
    ]);
  });

  it('goes half way back where a server refuses what it has allowed before', () => {
    let allows = Infinity;
    const server = {
      speed: (connections: number, atS: number) => {
        allows = atS > 20 && atS < 25 ? 10 : Infinity;
        return each(connections);
      },
      get allows() {
        return allows;
      },
      breaksAtS: [21],
    };
    const { changes } = simulate(server, { seconds: 50 });
    expect(changes.map(({ connections }) => connections)).toEqual([8, 16, 8]);
  });

  it('is tried again after a minute, and then ever less often', () => {
    const slow = simulate({ speed: () => 5 * MB }, { seconds: 3600 });
    expect(slow.changes.filter(({ why }) => why === 'trial').length).toBeLessThan(9);
    expect(slow.changes.length).toBeGreaterThan(6);
    const refusing = simulate({ speed: each, allows: 6 }, { seconds: 600 });
    expect(refusing.refusals).toBeGreaterThan(5);
    expect(refusing.refusals).toBeLessThanOrEqual(10);
    const faster = simulate(
      { speed: (connections, atS) => (atS < 60 ? 8 * MB : each(connections)) },
      { seconds: 120 },
    );
    expect(faster.target).toBe(16);
  });

  it.each<{ name: string; server: Server; most: number }>([
    { name: 'the number grows', server: { speed: each }, most: 32 },
    { name: 'some are refused', server: { speed: each, allows: 6 }, most: 32 },
    { name: 'all break', server: { speed: each, breaksAtS: [5, 20, 20.05, 40] }, most: 16 },
  ])('never grows by more than one in 250 ms where $name', ({ server, most }) => {
    const { opened } = simulate(server, { most, seconds: 300 });
    const gaps = opened.slice(1).map((atMs, index) => atMs - (opened[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(250);
    expect(opened.length).toBeGreaterThan(8);
  });
});

describe('the meter of a line', () => {
  it('counts bytes, and how long connections were held back, for each of them', async () => {
    const clock = handClock();
    const meter = new LineMeter(clock);
    const start = meter.sample();
    meter.onReceived(100);
    await clock.advance(30);
    meter.onReceived(200);
    await clock.advance(20);
    meter.onWritten();
    await clock.advance(10);
    expect(meter.sample().heldMs).toBe(30 + 2 * 20 + 10);
    meter.onWritten();
    await clock.advance(1000);
    const end = meter.sample();
    expect(end).toEqual({ nowMs: start.nowMs + 1060, bytes: 300, heldMs: 80 });
  });
});
