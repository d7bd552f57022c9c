import { throwIfAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { CcxriError } from '../errors.ts';
import { formatDuration, toPrintable } from '../text.ts';
import { HostLimit } from './host-limit.ts';
import { pause } from '../pause.ts';

/** What is known of a server's patience. */
interface HostState {
  notBeforeMs: number;
  /** Requests under way. */
  active: number;
  readonly limit: HostLimit;
}

interface Waiting {
  readonly host: HostState;
  readonly owner: object;
  readonly go: () => void;
}

/**
 * Gives out the run's connections, one a request. Of those that wait, the one goes first whose owner
 * (a file) has the fewest: each file gets one, and what is left is shared out. Servers that asked
 * for a pause get it from every connection, not only from the one they told; and those that refuse
 * some of many connections get fewer, until they have borne them for a while.
 */
export class HostPace {
  readonly #hosts = new Map<string, HostState>();
  readonly #clock: Clock;
  readonly #maxPauseMs: number;
  #free: number;
  /** Requests under way, by their owners. */
  readonly #held = new Map<object, number>();
  #waiting: readonly Waiting[] = [];

  /**
   * @param maxPauseMs a longer pause is not waited for: `run` throws
   * @param connections in all, over all hosts
   */
  constructor(clock: Clock, maxPauseMs = Infinity, connections = Infinity) {
    this.#clock = clock;
    this.#maxPauseMs = maxPauseMs;
    this.#free = connections;
  }

  /** The host asked to be left alone for so long. */
  hold(url: string, ms: number): void {
    const host = this.#stateOf(url);
    host.notBeforeMs = Math.max(this.#clock.nowMs() + ms, host.notBeforeMs);
  }

  /** The host refused one of several requests: it gets half of what it has now. */
  refused(url: string): void {
    const { limit, active } = this.#stateOf(url);
    limit.refused(active, this.#clock.nowMs());
  }

  /** The host has served a request to its end: it may come to bear one more at once. */
  served(url: string): void {
    if (this.#stateOf(url).limit.served()) this.#admit();
  }

  /**
   * Runs a request when there is a connection for it, and the host may be asked again.
   * @param owner what shares fairly with others; default: the request itself
   * @throws CcxriError `http-status` where that is too far away; `aborted`; what the request throws
   */
  async run<T>(
    url: string,
    request: () => Promise<T>,
    signal?: AbortSignal,
    owner: object = request,
  ): Promise<T> {
    const host = this.#stateOf(url);
    await this.#rest(url, host, signal);
    // Whoever had to wait for a turn may find that the host must be left alone by now.
    while ((await this.#turn(host, owner, signal)) && host.notBeforeMs > this.#clock.nowMs()) {
      this.#leave(host, owner);
      await this.#rest(url, host, signal);
    }
    try {
      return await request();
    } finally {
      this.#leave(host, owner);
    }
  }

  async #rest(url: string, host: HostState, signal: AbortSignal | undefined): Promise<void> {
    const waitMs = host.notBeforeMs - this.#clock.nowMs();
    if (waitMs > this.#maxPauseMs) throw tooLong(url, waitMs);
    if (waitMs > 0) await pause(this.#clock, waitMs, signal);
  }

  /** @returns whether it took a while */
  async #turn(host: HostState, owner: object, signal: AbortSignal | undefined): Promise<boolean> {
    throwIfAborted(signal);
    let atOnce = true;
    const hasTurn = await new Promise<boolean>((resolve) => {
      const stop = () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting);
        resolve(false);
      };
      const go = () => {
        signal?.removeEventListener('abort', stop);
        resolve(true);
      };
      const waiting: Waiting = { host, owner, go };
      this.#waiting = [...this.#waiting, waiting];
      signal?.addEventListener('abort', stop, { once: true });
      this.#admit();
      atOnce = !this.#waiting.includes(waiting);
    });
    if (hasTurn && signal?.aborted === true) this.#leave(host, owner);
    throwIfAborted(signal);
    return !atOnce;
  }

  #admit(): void {
    const nowMs = this.#clock.nowMs();
    for (const { limit } of this.#hosts.values()) limit.passed(nowMs);
    for (;;) {
      const next = this.#next();
      if (next === undefined) return;
      const { host, owner, go } = next;
      this.#waiting = this.#waiting.filter((each) => each !== next);
      this.#free -= 1;
      host.active += 1;
      this.#held.set(owner, this.#heldBy(owner) + 1);
      go();
    }
  }

  #next(): Waiting | undefined {
    if (this.#free <= 0) return undefined;
    let best: Waiting | undefined;
    for (const each of this.#waiting) {
      if (each.host.active >= each.host.limit.allowed) continue;
      if (best === undefined || this.#heldBy(each.owner) < this.#heldBy(best.owner)) best = each;
    }
    return best;
  }

  #leave(host: HostState, owner: object): void {
    this.#free += 1;
    host.active -= 1;
    const held = this.#heldBy(owner) - 1;
    if (held > 0) this.#held.set(owner, held);
    else this.#held.delete(owner);
    this.#admit();
  }

  #heldBy(owner: object): number {
    return this.#held.get(owner) ?? 0;
  }

  #stateOf(url: string): HostState {
    const { host } = new URL(url);
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const state: HostState = { notBeforeMs: -Infinity, active: 0, limit: new HostLimit() };
    this.#hosts.set(host, state);
    return state;
  }
}

function tooLong(url: string, waitMs: number): CcxriError {
  const host = toPrintable(new URL(url).host, 100);
  return new CcxriError('http-status', `${host} asked to be left alone for now`, {
    retryAfterS: Math.ceil(waitMs / 1000),
    hint: `run the same command again in ${formatDuration(waitMs)}: it goes on where it stopped`,
  });
}
