/** The window of a current speed: long enough to be steady, short enough to be current. */
const WINDOW_MS = 10_000;
const SAMPLE_EVERY_MS = 250;

/** Bytes a second over the last seconds: what is shown. */
export class CurrentSpeed {
  #moved = 0;
  #samples: readonly { readonly atMs: number; readonly moved: number }[] = [];

  add(bytes: number, nowMs: number): void {
    this.#moved += Math.max(0, bytes);
    const newest = this.#samples.at(-1);
    if (newest !== undefined && nowMs - newest.atMs < SAMPLE_EVERY_MS) return;
    const recent = this.#samples.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS);
    this.#samples = [...recent, { atMs: nowMs, moved: this.#moved }];
  }

  at(nowMs: number): number {
    const oldest = this.#samples.find(({ atMs }) => nowMs - atMs <= WINDOW_MS);
    if (oldest === undefined || nowMs <= oldest.atMs) return 0;
    return ((this.#moved - oldest.moved) * 1000) / (nowMs - oldest.atMs);
  }
}

/** Less says nothing: the first bytes come out of buffers. */
const MEASURED_MS = 1000;
/** What lies further back than this counts little, so that a line that has changed is noticed. */
const MEMORY_MS = { least: 10_000, most: 300_000 };

/** Screens and logs look more often: where nobody did for so long, the machine slept. */
const SLEPT_MS = 60_000;

/**
 * Bytes a second over the time in which something was in work, waits included: what an estimate goes by.
 * The longer it has been measured the steadier it is.
 */
export class MeanSpeed {
  readonly #expected: number;
  #bytes = 0;
  #ms = 0;
  #measuredMs = 0;

  /** @param expected bytes a second, until something was measured */
  constructor(expected: number) {
    this.#expected = expected;
  }

  pass(ms: number): void {
    if (ms >= SLEPT_MS) return;
    this.#measuredMs += ms;
    const memoryMs = Math.min(MEMORY_MS.most, Math.max(MEMORY_MS.least, this.#measuredMs / 2));
    const kept = Math.exp(-ms / memoryMs);
    this.#bytes *= kept;
    this.#ms = this.#ms * kept + ms;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  get measuredMs(): number {
    return this.#measuredMs;
  }

  get bytesPerSecond(): number {
    if (this.#measuredMs < MEASURED_MS) return this.#expected;
    return (this.#bytes * 1000) / this.#ms;
  }
}
