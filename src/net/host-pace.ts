import type { Clock } from '../clock.ts';

/** Servers that asked for a pause get it from every connection, not only from the one they told. */
export class HostPace {
  readonly #notBeforeMs = new Map<string, number>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hold(url: string, ms: number): void {
    const { host } = new URL(url);
    const untilMs = this.#clock.nowMs() + ms;
    this.#notBeforeMs.set(host, Math.max(untilMs, this.#notBeforeMs.get(host) ?? 0));
  }

  /** Waits until the host may be asked again. */
  async ready(url: string, signal?: AbortSignal): Promise<void> {
    const waitMs = (this.#notBeforeMs.get(new URL(url).host) ?? 0) - this.#clock.nowMs();
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
  }
}
