import type { Clock } from './clock.ts';
import type { EventListener, ProgressEvent } from './events.ts';

/** Emits progress at most ten times a second, which is as fast as a listener needs to draw. */
export class ProgressThrottle {
  readonly #clock: Clock;
  readonly #onEvent: EventListener;
  #emittedAtMs = -Infinity;

  constructor(clock: Clock, onEvent: EventListener) {
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  emit(progress: Omit<ProgressEvent, 'event' | 'run'>): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#emittedAtMs < PROGRESS_EVERY_MS) return;
    this.#emittedAtMs = nowMs;
    this.#onEvent({ event: 'progress', ...progress });
  }
}

const PROGRESS_EVERY_MS = 100;
