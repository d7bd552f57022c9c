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
