import { pause, throwIfAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { CcxriError } from '../errors.ts';
import { toPrintable } from '../text.ts';
import type { ConnectionCount, CountChange, LineMeter } from './connection-count.ts';

interface HostState {
  notBeforeMs: number;
  /** The HTTP status that asked for that pause. */
  pauseStatus: number;
  /** Requests under way, and connections that rest until their next one. */
  active: number;
  resting: number;
  readonly limit: HostLimit;
}

interface QueuedRequest {
  readonly host: HostState;
  readonly owner: object;
  readonly start: () => void;
}

/** The connections of a run whose number is found out while it goes. */
export interface AutoConnections {
  readonly count: ConnectionCount;
  readonly meter: LineMeter;
  readonly onChange: (change: CountChange) => void;
}

/** One connection begins no more than one request for a few bytes in this time: there may be thousands. */
export const REQUEST_EVERY_MS = 50;

/** Whose a request is, and how long it has its connection at least. */
interface RequestTurn {
  /** Shares the connections fairly with other owners. Default: the request itself. */
  readonly owner?: object | undefined;
  /** Its connection begins no other request before this. A function is called when it is over. Default 0. */
  readonly everyMs?: number | (() => number) | undefined;
}

/** How often the line is looked at. */
const SAMPLE_EVERY_MS = 50;

/**
 * Distributes the connections of a run, one per request. The queued request whose owner (a file) has
 * the fewest connections goes first: each file gets one, and the rest are shared out. A server that
 * asks for a pause gets it from all connections; one that refuses some of many gets fewer.
 */
export class HostLimiter {
  readonly #hosts = new Map<string, HostState>();
  readonly #clock: Clock;
  readonly #maxPauseMs: number;
  readonly #fixed: number;
  readonly #auto: AutoConnections | undefined;
  #inUse = 0;
  /** Requests under way, by owner. */
  readonly #active = new Map<object, number>();
  #queue: readonly QueuedRequest[] = [];
  /** Runs while anything is requested, where the number of connections is found out. */
  #sampler: NodeJS.Timeout | undefined;
  /** Not reported yet: a listener must not throw in a timer. */
  #changes: readonly CountChange[] = [];

  /**
   * @param maxPauseMs `run` throws instead of waiting longer than this
   * @param connections in all, over all hosts: this many, or as many as are useful
   */
  constructor(
    clock: Clock,
    maxPauseMs = Infinity,
    connections: number | AutoConnections = Infinity,
  ) {
    this.#clock = clock;
    this.#maxPauseMs = maxPauseMs;
    this.#auto = typeof connections === 'number' ? undefined : connections;
    this.#fixed = typeof connections === 'number' ? connections : Infinity;
  }

  /** How many there may be at present. */
  get connections(): number {
    return this.#auto?.count.target ?? this.#fixed;
  }

  /** How many connections each owner can count on, with those that others have or wait for. */
  get fairShare(): number {
    const owners = new Set([...this.#active.keys(), ...this.#queue.map(({ owner }) => owner)]);
    return Math.max(1, Math.floor(this.connections / Math.max(1, owners.size)));
  }

  /** No request to this host starts for this long: it answered with this status. */
  pauseFor(url: string, ms: number, status: number): void {
    const host = this.#stateOf(url);
    const notBeforeMs = this.#clock.nowMs() + ms;
    if (notBeforeMs <= host.notBeforeMs) return;
    host.notBeforeMs = notBeforeMs;
    host.pauseStatus = status;
  }

  /** The host refused a request: if there are several, it gets half as many from now on. */
  onRefused(url: string): void {
    const { limit, active, resting } = this.#stateOf(url);
    const nowMs = this.#clock.nowMs();
    limit.onRefused(active - resting, nowMs);
    this.#note(this.#auto?.count.onRefused(nowMs, this.#inUse));
  }

  /** A connection broke: another one has to be opened in its place. */
  onBroken(): void {
    this.#auto?.count.onBroken(this.#inUse);
  }

  /** The host has served a request to its end. */
  onServed(url: string): void {
    if (this.#stateOf(url).limit.onServed()) this.#startQueued();
  }

  /**
   * Runs a request as soon as a connection is free and the host is not paused. Its result does not wait for
   * the rest of `everyMs`: only the next request on that connection does.
   * @throws CcxriError `http-status`: the pause is too long; `aborted`; what the request throws
   */
  async run<T>(
    url: string,
    request: () => Promise<T>,
    signal?: AbortSignal,
    { owner = request, everyMs = 0 }: RequestTurn = {},
  ): Promise<T> {
    const host = this.#stateOf(url);
    await this.#awaitPause(url, host, signal);
    // A pause may have begun while the request was queued.
    while ((await this.#acquire(host, owner, signal)) && host.notBeforeMs > this.#clock.nowMs()) {
      this.#release(host, owner);
      await this.#awaitPause(url, host, signal);
    }
    const startMs = this.#clock.nowMs();
    try {
      this.#reportChanges();
      return await request();
    } finally {
      const wholeMs = typeof everyMs === 'number' ? everyMs : everyMs();
      const leftMs = startMs + wholeMs - this.#clock.nowMs();
      if (leftMs <= 0) this.#release(host, owner);
      else void this.#rest(leftMs, host, signal).finally(() => this.#release(host, owner));
    }
  }

  async #rest(ms: number, host: HostState, signal: AbortSignal | undefined): Promise<void> {
    host.resting += 1;
    try {
      await this.#clock.sleep(ms, signal);
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
    host.resting -= 1;
  }

  async #awaitPause(url: string, host: HostState, signal: AbortSignal | undefined): Promise<void> {
    const waitMs = host.notBeforeMs - this.#clock.nowMs();
    if (waitMs > this.#maxPauseMs) throw pauseTooLong(url, waitMs, host.pauseStatus);
    if (waitMs > 0) await pause(this.#clock, waitMs, signal);
  }

  /** @returns whether the request was queued for a while */
  async #acquire(
    host: HostState,
    owner: object,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    throwIfAborted(signal);
    this.#startSampler();
    let wasQueued = false;
    const isStarted = await new Promise<boolean>((resolve) => {
      const stop = () => {
        this.#queue = this.#queue.filter((each) => each !== queued);
        this.#stopIdleSampler();
        resolve(false);
      };
      const start = () => {
        signal?.removeEventListener('abort', stop);
        resolve(true);
      };
      const queued: QueuedRequest = { host, owner, start };
      this.#queue = [...this.#queue, queued];
      signal?.addEventListener('abort', stop, { once: true });
      this.#startQueued();
      wasQueued = this.#queue.includes(queued);
    });
    if (isStarted && signal?.aborted === true) this.#release(host, owner);
    throwIfAborted(signal);
    return wasQueued;
  }

  #startQueued(): void {
    const nowMs = this.#clock.nowMs();
    for (const { limit } of this.#hosts.values()) limit.recover(nowMs);
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const { host, owner, start } = next;
      this.#queue = this.#queue.filter((each) => each !== next);
      this.#inUse += 1;
      host.active += 1;
      this.#active.set(owner, this.#activeOf(owner) + 1);
      start();
    }
  }

  #next(): QueuedRequest | undefined {
    if (this.#inUse >= (this.#auto?.count.allowed ?? this.#fixed)) return undefined;
    let best: QueuedRequest | undefined;
    for (const each of this.#queue) {
      if (each.host.active >= each.host.limit.allowed) continue;
      if (best === undefined || this.#activeOf(each.owner) < this.#activeOf(best.owner))
        best = each;
    }
    return best;
  }

  #release(host: HostState, owner: object): void {
    this.#inUse -= 1;
    host.active -= 1;
    const active = this.#activeOf(owner) - 1;
    if (active > 0) this.#active.set(owner, active);
    else this.#active.delete(owner);
    this.#startQueued();
    this.#stopIdleSampler();
  }

  #startSampler(): void {
    const auto = this.#auto;
    if (auto === undefined) return;
    this.#sampler ??= setInterval(() => {
      this.#note(auto.count.onSample(auto.meter.sample(), this.#inUse));
      this.#startQueued();
    }, SAMPLE_EVERY_MS);
  }

  #note(change: CountChange | undefined): void {
    if (change !== undefined) this.#changes = [...this.#changes, change];
  }

  #reportChanges(): void {
    const changes = this.#changes;
    this.#changes = [];
    for (const change of changes) this.#auto?.onChange(change);
  }

  #stopIdleSampler(): void {
    if (this.#inUse > 0 || this.#queue.length > 0) return;
    clearInterval(this.#sampler);
    this.#sampler = undefined;
  }

  #activeOf(owner: object): number {
    return this.#active.get(owner) ?? 0;
  }

  #stateOf(url: string): HostState {
    const { host } = new URL(url);
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const pauses = { notBeforeMs: -Infinity, pauseStatus: 503 };
    const state: HostState = { ...pauses, active: 0, resting: 0, limit: new HostLimit() };
    this.#hosts.set(host, state);
    return state;
  }
}

function pauseTooLong(url: string, waitMs: number, status: number): CcxriError {
  const host = toPrintable(new URL(url).host, 100);
  return new CcxriError('http-status', `${host} asked to retry later (Retry-After)`, {
    status,
    retryAfterS: Math.ceil(waitMs / 1000),
    next: [{ kind: 'again', afterMs: waitMs, purpose: 'to resume' }],
  });
}

/** Without a refusal for this long, a host gets one more request at once. */
const RECOVERY_MS = 60_000;

/**
 * AIMD limit of concurrent requests to a host: halved when it refuses one of several; one more after
 * it has served the square of the limit, or has refused none for a minute (where each request is a
 * whole archive, that many are never served). Pure.
 */
export class HostLimit {
  /** Infinity until the host has refused. */
  #allowed = Infinity;
  /** Served since the limit changed last. */
  #served = 0;
  /** Of the last refusal, or of the last recovery. */
  #changedMs = 0;

  get allowed(): number {
    return this.#allowed;
  }

  /**
   * @param active requests under way, with the refused one. A single one can't be halved. The
   *   refusals of one burst count as one: each of them lowers `active`.
   */
  onRefused(active: number, nowMs: number): void {
    this.#changedMs = nowMs;
    if (active <= 1) return;
    this.#allowed = Math.min(this.#allowed, Math.ceil(active / 2));
    this.#served = 0;
  }

  /** @returns true: one more is allowed now */
  onServed(): boolean {
    if (this.#allowed === Infinity) return false;
    this.#served += 1;
    if (this.#served < this.#allowed ** 2) return false;
    this.#allowed += 1;
    this.#served = 0;
    return true;
  }

  /** One more for each minute without a refusal. */
  recover(nowMs: number): void {
    const more = Math.floor((nowMs - this.#changedMs) / RECOVERY_MS);
    if (more <= 0) return;
    this.#allowed += more;
    this.#changedMs += more * RECOVERY_MS;
    this.#served = 0;
  }
}

/**
 * The hosts that time out. A host that has never answered costs one full wait per run, not one per
 * file. A host that has answered before is retried normally.
 */
export class UnresponsiveHosts {
  readonly #timedOut = new Set<string>();
  readonly #answered = new Set<string>();

  /** A file has used up its retries on this host, which has never answered. */
  has(url: string): boolean {
    const { host } = new URL(url);
    return this.#timedOut.has(host) && !this.#answered.has(host);
  }

  /** A file has used up its retries on this host. */
  onTimeout(url: string): void {
    this.#timedOut.add(new URL(url).host);
  }

  /** The host has answered, with whatever status. */
  onAnswer(url: string): void {
    this.#answered.add(new URL(url).host);
  }
}
