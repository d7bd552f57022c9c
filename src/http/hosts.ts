import { pause, throwIfAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { CcxriError } from '../errors.ts';
import { formatDuration, toPrintable } from '../text.ts';

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

/** Without a refusal for so long a host gets one connection more. */
const MORE_EVERY_MS = 60_000;

/**
 * How many requests at once a host bears, by what it has said to those that were made. Halved when
 * it refuses some of many; one more again after it has served as many as make it likely that it
 * bears that one, or has refused none for a minute: where each request is a whole archive, so many
 * are never served. Pure.
 */
export class HostLimit {
  /** Infinity until the host has refused. */
  #allowed = Infinity;
  /** Served since the limit changed last. */
  #served = 0;
  /** When it refused last, or was given one more by time. */
  #sinceMs = 0;

  get allowed(): number {
    return this.#allowed;
  }

  /**
   * @param active requests under way, the refused one among them. Of a single one nothing can be
   *   taken away. Refusals of one burst are no more than one: each of them lowers what is active.
   */
  refused(active: number, nowMs: number): void {
    this.#sinceMs = nowMs;
    if (active <= 1) return;
    this.#allowed = Math.min(this.#allowed, Math.ceil(active / 2));
    this.#served = 0;
  }

  /** @returns true: one more is allowed now */
  served(): boolean {
    if (this.#allowed === Infinity) return false;
    this.#served += 1;
    if (this.#served < this.#allowed ** 2) return false;
    this.#allowed += 1;
    this.#served = 0;
    return true;
  }

  /** Time has passed: each minute without a refusal counts for one more. */
  passed(nowMs: number): void {
    if (this.#allowed === Infinity) return;
    const more = Math.floor((nowMs - this.#sinceMs) / MORE_EVERY_MS);
    if (more <= 0) return;
    this.#allowed += more;
    this.#sinceMs += more * MORE_EVERY_MS;
    this.#served = 0;
  }
}

/**
 * Which hosts have never answered, for all files of a run: where one file has waited for nothing, those
 * that come after it need not wait as long again. Not so where a host has answered before: that is an
 * outage, which may end while the others wait, and the one who started the run may be asleep.
 */
export class Silences {
  readonly #waitedOut = new Set<string>();
  readonly #heard = new Set<string>();

  /** A file has waited for it as long as a file waits, and nothing has ever come from it. */
  isDead(url: string): boolean {
    const { host } = new URL(url);
    return this.#waitedOut.has(host) && !this.#heard.has(host);
  }

  /** A file has waited for it as long as a file waits. */
  giveUp(url: string): void {
    this.#waitedOut.add(new URL(url).host);
  }

  /** Something has come from it, be it a refusal. */
  answered(url: string): void {
    this.#heard.add(new URL(url).host);
  }
}
