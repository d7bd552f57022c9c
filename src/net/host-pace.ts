import { throwIfAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { CcxriError } from '../errors.ts';
import { formatDuration, toPrintable } from '../text.ts';
import { pause } from './pause.ts';

/** What is known of a server's patience. */
interface HostState {
  notBeforeMs: number;
  /** Requests under way. */
  active: number;
  /** As many at once does it bear; Infinity until it has said otherwise. */
  allowed: number;
  /** Those that wait for their turn. */
  readonly waiting: (() => void)[];
}

/**
 * Servers that asked for a pause get it from every connection, not only from the one they told; and
 * those that refuse some of many connections get fewer, until they have borne them for a while.
 */
export class HostPace {
  readonly #hosts = new Map<string, HostState>();
  readonly #clock: Clock;
  readonly #maxPauseMs: number;

  /** @param maxPauseMs a longer pause is not waited for: `run` throws */
  constructor(clock: Clock, maxPauseMs = Infinity) {
    this.#clock = clock;
    this.#maxPauseMs = maxPauseMs;
  }

  /** The host asked to be left alone for so long. */
  hold(url: string, ms: number): void {
    const host = this.#stateOf(url);
    host.notBeforeMs = Math.max(this.#clock.nowMs() + ms, host.notBeforeMs);
  }

  /** The host refused one of several requests: it gets one fewer at once than it has now. */
  refused(url: string): void {
    const host = this.#stateOf(url);
    if (host.active > 1) host.allowed = Math.max(1, Math.min(host.allowed, host.active) - 1);
  }

  /** The host has served a request to its end: it may bear one more at once. */
  served(url: string): void {
    const host = this.#stateOf(url);
    host.allowed += 1;
    wake(host);
  }

  /**
   * Runs a request when the host may be asked again.
   * @throws CcxriError `http-status` where that is too far away; `aborted`; what the request throws
   */
  async run<T>(url: string, request: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const host = this.#stateOf(url);
    await this.#rest(url, host, signal);
    while (host.active >= host.allowed) {
      await turn(host, signal);
      throwIfAborted(signal);
      await this.#rest(url, host, signal);
    }
    host.active += 1;
    try {
      return await request();
    } finally {
      host.active -= 1;
      wake(host);
    }
  }

  async #rest(url: string, host: HostState, signal: AbortSignal | undefined): Promise<void> {
    const waitMs = host.notBeforeMs - this.#clock.nowMs();
    if (waitMs > this.#maxPauseMs) throw tooLong(url, waitMs);
    if (waitMs > 0) await pause(this.#clock, waitMs, signal);
  }

  #stateOf(url: string): HostState {
    const { host } = new URL(url);
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const state: HostState = { notBeforeMs: -Infinity, active: 0, allowed: Infinity, waiting: [] };
    this.#hosts.set(host, state);
    return state;
  }
}

/** All look again: who comes first takes the place. */
function wake(host: HostState): void {
  for (const go of host.waiting.splice(0)) go();
}

async function turn(host: HostState, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const go = () => {
      signal?.removeEventListener('abort', go);
      resolve();
    };
    host.waiting.push(go);
    signal?.addEventListener('abort', go, { once: true });
    if (signal?.aborted === true) go();
  });
}

function tooLong(url: string, waitMs: number): CcxriError {
  const host = toPrintable(new URL(url).host, 100);
  return new CcxriError('http-status', `${host} asked to be left alone for now`, {
    retryAfterS: Math.ceil(waitMs / 1000),
    hint: `run the same command again in ${formatDuration(waitMs)}: it goes on where it stopped`,
  });
}
