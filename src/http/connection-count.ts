import type { Clock } from '../clock.ts';
import { FIRST_CONNECTIONS } from '../concurrency.ts';

/** Some servers refuse connections that come in a burst. */
const OPEN_EVERY_MS = 250;
/** After the last connection was opened: on a line of 200 ms, TCP needs five round trips for 2 MB/s. */
const SETTLE_MS = 1000;
const WINDOW_MS = 1000;
/** More connections are kept where they bring this much more speed. */
const MIN_GAIN = 1.2;
/** Of a window's connections, on average: one that breaks is not in use until it is opened again. */
const MIN_IN_USE = 0.75;
/** After a step back, those that are too many end with their segments. */
const MAX_IN_USE = 1.05;
/** A single window may be a bad one. */
const TRIAL_WINDOWS = 4;
/** From a trial without gain, or a refusal, to the next trial; twice as long after each without gain. */
const TRIAL_AGAIN_MS = 60_000;
const MAX_TRIAL_AGAIN_MS = 16 * 60_000;
/** Requests that were under way when the first one was refused may be refused as well. */
const BURST_MS = 5000;

/** Counts since the beginning of a run. */
export interface LineSample {
  readonly nowMs: number;
  readonly bytes: number;
  /** How long connections were not read, because what had come from them was not written yet. */
  readonly heldMs: number;
}

export interface CountChange {
  /** From now on. */
  readonly connections: number;
  readonly before: number;
  /** `trial`: more may be faster; `no-gain`: they were not; `refused`: a server has refused some. */
  readonly why: 'trial' | 'no-gain' | 'refused';
  /** Measured with `before` connections. Null after a refusal. */
  readonly bytesPerSecond: number | null;
}

interface Trial {
  /** How many there were before, and how fast they were together. */
  readonly connections: number;
  readonly bytesPerSecond: number;
  readonly windowsLeft: number;
}

/**
 * Finds out how many connections a run is fastest with: doubles them while that brings a gain, and goes
 * back where it does not, or where a server refuses some. `HostLimit` goes lower for a single host. Pure.
 */
export class ConnectionCount {
  readonly #first: number;
  readonly #most: number;
  readonly #limit: number;
  #target: number;
  /** Grows towards the target, one at a time. */
  #allowed = 1;
  #openedMs: number | undefined;
  #trial: Trial | undefined;
  #fullSinceMs: number | undefined;
  #windowStart: LineSample | undefined;
  /** How long the window's connections were in use, all together. */
  #inUseMs = 0;
  #sampledMs = 0;
  #noTrialBeforeMs = -Infinity;
  #trialAgainMs = TRIAL_AGAIN_MS;
  #refusedMs = -Infinity;

  /** @param bytesPerSecond of a rate limit: near to it, more connections can bring no gain */
  constructor(most: number, bytesPerSecond = Infinity) {
    this.#most = most;
    this.#limit = bytesPerSecond;
    this.#target = this.#first = Math.min(FIRST_CONNECTIONS, most);
  }

  /** Connections that may be open now. */
  get allowed(): number {
    return this.#allowed;
  }

  /** What `allowed` grows to. */
  get target(): number {
    return this.#target;
  }

  /** Called several times a second while anything is requested. @param inUse requests under way */
  onSample(sample: LineSample, inUse: number): CountChange | undefined {
    this.#allowOneMore(sample.nowMs, inUse);
    const bytesPerSecond = this.#measure(sample, inUse);
    // A line that brings nothing at all is no measure for anything.
    if (bytesPerSecond === undefined || bytesPerSecond === 0) return undefined;
    const trial = this.#trial;
    if (trial === undefined) {
      return sample.nowMs < this.#noTrialBeforeMs ? undefined : this.#try(bytesPerSecond);
    }
    if (bytesPerSecond >= trial.bytesPerSecond * MIN_GAIN) {
      this.#trialAgainMs = TRIAL_AGAIN_MS;
      return this.#try(bytesPerSecond);
    }
    this.#trial = { ...trial, windowsLeft: trial.windowsLeft - 1 };
    if (this.#trial.windowsLeft > 0) return undefined;
    this.#noTrialBeforeMs = sample.nowMs + this.#trialAgainMs;
    this.#trialAgainMs = Math.min(MAX_TRIAL_AGAIN_MS, 2 * this.#trialAgainMs);
    return this.#setTarget(trial.connections, 'no-gain', bytesPerSecond);
  }

  /** A server has refused a request. @param inUse a single request is not one too many */
  onRefused(nowMs: number, inUse: number): CountChange | undefined {
    if (inUse <= 1) return undefined;
    this.#noTrialBeforeMs = nowMs + TRIAL_AGAIN_MS;
    if (nowMs - this.#refusedMs < BURST_MS) return undefined;
    this.#refusedMs = nowMs;
    return this.#setTarget(Math.max(this.#first, Math.ceil(this.#target / 2)), 'refused', null);
  }

  /** One of those in use is gone: the one in its place is opened no faster than any other. */
  onBroken(inUse: number): void {
    this.#allowed = Math.max(0, Math.min(this.#allowed, inUse) - 1);
  }

  #allowOneMore(nowMs: number, inUse: number): void {
    this.#openedMs ??= nowMs;
    if (this.#allowed >= this.#target || inUse < this.#allowed) return;
    if (nowMs - this.#openedMs < OPEN_EVERY_MS) return;
    this.#allowed += 1;
    this.#openedMs = nowMs;
  }

  /** @returns bytes a second of a whole window, with the connections in use and not held back */
  #measure(sample: LineSample, inUse: number): number | undefined {
    const { nowMs } = sample;
    // Nothing was requested, or the machine slept.
    if (nowMs - this.#sampledMs > WINDOW_MS) this.#restartWindow();
    this.#inUseMs += inUse * (nowMs - this.#sampledMs);
    this.#sampledMs = nowMs;
    if (inUse === this.#target) this.#fullSinceMs ??= nowMs;
    if (this.#fullSinceMs === undefined || nowMs - this.#fullSinceMs < SETTLE_MS) return undefined;
    const start = this.#windowStart;
    const tookMs = nowMs - (start?.nowMs ?? nowMs);
    if (start !== undefined && tookMs < WINDOW_MS) return undefined;
    const inUseMs = this.#inUseMs;
    [this.#windowStart, this.#inUseMs] = [sample, 0];
    if (start === undefined) return undefined;
    const allMs = tookMs * this.#target;
    if (inUseMs < allMs * MIN_IN_USE || inUseMs > allMs * MAX_IN_USE) {
      this.#restartWindow();
      return undefined;
    }
    // The disk or a rate limit is the bound: that says nothing of the line.
    if (sample.heldMs - start.heldMs > inUseMs / 2) return undefined;
    return ((sample.bytes - start.bytes) * 1000) / tookMs;
  }

  #restartWindow(): void {
    this.#fullSinceMs = this.#windowStart = undefined;
  }

  #try(bytesPerSecond: number): CountChange | undefined {
    const connections = this.#target;
    this.#trial = undefined;
    const mayGain = connections < this.#most && bytesPerSecond * MIN_GAIN <= this.#limit;
    if (!mayGain) return undefined;
    const change = this.#setTarget(Math.min(this.#most, 2 * connections), 'trial', bytesPerSecond);
    this.#trial = { connections, bytesPerSecond, windowsLeft: TRIAL_WINDOWS };
    return change;
  }

  #setTarget(
    connections: number,
    why: CountChange['why'],
    bytesPerSecond: number | null,
  ): CountChange | undefined {
    const before = this.#target;
    this.#trial = undefined;
    this.#target = connections;
    this.#allowed = Math.min(this.#allowed, connections);
    this.#restartWindow();
    return connections === before ? undefined : { connections, before, why, bytesPerSecond };
  }
}

/** What the connections of a run have received, and how long they were held back. */
export class LineMeter {
  readonly #clock: Clock;
  #bytes = 0;
  /** Connections whose bytes are being written, or wait for a rate limit. */
  #held = 0;
  #heldMs = 0;
  #countedMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#countedMs = clock.nowMs();
  }

  /** Bytes have come from a connection, which is not read again before `onWritten`. */
  onReceived(bytes: number): void {
    this.sample();
    this.#bytes += bytes;
    this.#held += 1;
  }

  onWritten(): void {
    this.sample();
    this.#held -= 1;
  }

  sample(): LineSample {
    const nowMs = this.#clock.nowMs();
    this.#heldMs += this.#held * (nowMs - this.#countedMs);
    this.#countedMs = nowMs;
    return { nowMs, bytes: this.#bytes, heldMs: this.#heldMs };
  }
}
