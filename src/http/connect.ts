import { lookup as lookUp } from 'node:dns/promises';
import { type Socket, connect, isIP, isIPv6 } from 'node:net';
import type { Clock } from '../clock.ts';
import { whenFilesAreFree } from '../concurrency.ts';
import { errnoOf } from '../errors.ts';

/** The addresses of a host name, in the order of the system. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/**
 * Tries one address of a host. When the signal fires, it closes what it has opened and throws; the
 * socket that it returns is no longer bound to the signal.
 */
export type Attempt = (address: string, signal: AbortSignal) => Promise<Socket>;

export interface DialerOptions {
  readonly clock: Clock;
  /** Default: the system's. */
  readonly lookup?: Lookup | undefined;
}

/** What a run has learned about a host. */
interface HostMemory {
  /** Of the last lookup: one that fails later is no reason to give up. */
  addresses: readonly string[];
  working: string | undefined;
  /** What the last connection to `working` took. */
  connectMs: number;
  /** They failed, or lost against an address that was tried after them. */
  readonly failed: Set<string>;
}

/**
 * How long the first addresses have before the next one is tried beside them: RFC 8305 ("Happy
 * Eyeballs") recommends 250 ms, and one round trip to another continent takes 200 to 400.
 */
const ATTEMPT_DELAY_MS = 300;
/** However long the last one took: more would leave the next address no time. */
const MAX_ATTEMPT_DELAY_MS = 2000;

/**
 * Connects to hosts with several addresses. They are tried side by side, none is given up before the
 * whole attempt is, and the first that connects wins. Node's own way gives an address 250 ms and then
 * goes on to the next: over a long line none of them gets a chance.
 */
export class Dialer {
  readonly #clock: Clock;
  readonly #lookup: Lookup;
  readonly #hosts = new Map<string, HostMemory>();

  constructor({ clock, lookup = addressesOf }: DialerOptions) {
    this.#clock = clock;
    this.#lookup = lookup;
  }

  /**
   * @param signal ends all attempts
   * @throws what the lookup throws; the error of an address; the signal's reason
   */
  async connect(
    { host, port }: { readonly host: string; readonly port: number },
    signal: AbortSignal,
    attempt: Attempt = (address, attemptSignal) => dialTcp(address, port, attemptSignal),
  ): Promise<Socket> {
    const memory = this.#memoryOf(`${host}:${port}`);
    memory.addresses = await untilAborted(this.#resolve(host, memory), signal);
    const startedMs = this.#clock.nowMs();
    const patient: Attempt = (address, attemptSignal) =>
      whenFilesAreFree(() => attempt(address, attemptSignal));
    // Where the one that works is known, a second one is tried only if this takes unusually long.
    const usualMs = Math.min(MAX_ATTEMPT_DELAY_MS, 2 * memory.connectMs);
    const { winner, socket, losers } = await race(orderAddresses(memory), patient, {
      delayMs: Math.max(ATTEMPT_DELAY_MS, usualMs),
      clock: this.#clock,
      signal,
    }).catch((error: unknown) => {
      // It may have died: another one is tried first the next time.
      if (memory.working !== undefined) memory.failed.add(memory.working);
      memory.working = undefined;
      throw error;
    });
    memory.working = winner;
    memory.connectMs = this.#clock.nowMs() - startedMs;
    memory.failed.delete(winner);
    for (const loser of losers) memory.failed.add(loser);
    return socket;
  }

  async #resolve(host: string, { addresses }: HostMemory): Promise<readonly string[]> {
    if (isIP(host) !== 0) return [host];
    try {
      return await this.#lookup(host);
    } catch (error) {
      if (addresses.length === 0) throw error;
      return addresses;
    }
  }

  #memoryOf(key: string): HostMemory {
    const known = this.#hosts.get(key);
    if (known !== undefined) return known;
    const memory = { addresses: [], working: undefined, connectMs: 0, failed: new Set<string>() };
    this.#hosts.set(key, memory);
    return memory;
  }
}

async function addressesOf(host: string): Promise<readonly string[]> {
  const found = await lookUp(host, { all: true, verbatim: true });
  return found.map(({ address }) => address);
}

/**
 * The order in which addresses are tried: the one that worked, then those nothing is known of, then
 * those that failed; among equals IPv6 and IPv4 in turns, beginning with the family of the first.
 */
export function orderAddresses({
  addresses,
  working,
  failed,
}: Pick<HostMemory, 'addresses' | 'working' | 'failed'>): readonly string[] {
  const [first = ''] = addresses;
  const isOfFirst = (address: string) => isIPv6(address) === isIPv6(first);
  const same = addresses.filter((address) => isOfFirst(address));
  const other = addresses.filter((address) => !isOfFirst(address));
  const inTurns = addresses.flatMap((_, index) => [
    ...same.slice(index, index + 1),
    ...other.slice(index, index + 1),
  ]);
  const rankOf = (address: string) => {
    if (address === working) return 0;
    return failed.has(address) ? 2 : 1;
  };
  return [...new Set(inTurns)].sort((a, b) => rankOf(a) - rankOf(b));
}

interface RaceOptions {
  readonly delayMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

interface RaceResult {
  readonly winner: string;
  readonly socket: Socket;
  /** Those that were tried before the winner, or beside it, and failed or had not connected yet. */
  readonly losers: readonly string[];
}

type RaceEvent =
  | { readonly kind: 'won'; readonly address: string; readonly socket: Socket }
  | { readonly kind: 'failed'; readonly address: string; readonly error: unknown }
  | { readonly kind: 'next' };

/**
 * Begins with the next address when one has failed, and when `delayMs` have passed without an answer;
 * those under way go on until one has won.
 */
export async function race(
  addresses: readonly string[],
  attempt: Attempt,
  { delayMs, clock, signal }: RaceOptions,
): Promise<RaceResult> {
  const queue = [...addresses];
  const stop = new AbortController();
  const running = new Map<string, Promise<RaceEvent>>();
  const failures = new Map<string, unknown>();
  try {
    for (let event: RaceEvent = { kind: 'next' }; ;) {
      if (event.kind === 'failed') {
        running.delete(event.address);
        failures.set(event.address, event.error);
      }
      const address = queue.shift();
      if (address !== undefined) running.set(address, start(address, attempt, stop.signal));
      if (running.size === 0) throw mostTelling([...failures.values()]);
      const waits = queue.length === 0 ? [] : [nextAfter(delayMs, clock, stop.signal)];
      event = await untilAborted(Promise.race([...running.values(), ...waits]), signal);
      if (event.kind !== 'won') continue;
      running.delete(event.address);
      const losers = [...failures.keys(), ...running.keys()];
      return { winner: event.address, socket: event.socket, losers };
    }
  } finally {
    stop.abort(new Error('another address was faster'));
    // Those that have connected in the same moment.
    for (const late of running.values()) void late.then(discard);
  }
}

async function start(address: string, attempt: Attempt, signal: AbortSignal): Promise<RaceEvent> {
  try {
    return { kind: 'won', address, socket: await attempt(address, signal) };
  } catch (error) {
    return { kind: 'failed', address, error };
  }
}

async function nextAfter(ms: number, clock: Clock, signal: AbortSignal): Promise<RaceEvent> {
  await clock.sleep(ms, signal).catch(() => undefined);
  return { kind: 'next' };
}

function discard(event: RaceEvent): void {
  if (event.kind === 'won') event.socket.destroy();
}

/** Errors about the way to an address, which say little if another address has answered. */
const NO_WAY = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']);

function mostTelling(errors: readonly unknown[]): unknown {
  return errors.find((error) => !NO_WAY.has(errnoOf(error) ?? '')) ?? errors[0];
}

/** The promise, or the signal's reason if that fires before; the promise is ignored then. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      const reason: unknown = signal.reason;
      reject(reason instanceof Error ? reason : new Error(String(reason)));
    };
    const settled = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    void promise.then(resolve, reject).finally(settled);
  });
}

const KEEP_ALIVE_MS = 60_000;

/** @param address of IPv4 or IPv6 */
export function dialTcp(address: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const options = { host: address, port, highWaterMark: 64 * 1024 };
    const socket = connect(options);
    const onAbort = () => socket.destroy(new Error('the attempt was stopped'));
    signal.addEventListener('abort', onAbort, { once: true });
    // It stays: an error between two owners of the socket would end the process.
    socket.on('error', reject);
    socket.once('close', () => signal.removeEventListener('abort', onAbort));
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort);
      socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
      resolve(socket);
    });
  });
}
