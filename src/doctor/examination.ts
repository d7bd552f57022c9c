import { runSignal, throwIfAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { type CcxriError, isCcxriError } from '../errors.ts';
import type { CheckName, CheckRow } from '../checks.ts';
import type { EventListener } from '../events.ts';
import { formatDuration } from '../text.ts';

type Part = CheckRow['part'];
/** What a check has found, before it is known for which source. */
export type CheckResult = Omit<CheckRow, 'check' | 'part' | 'source'>;

/** No check takes longer, whatever it waits for. */
const CHECK_MS = 20_000;

export interface ExaminationOptions {
  readonly clock: Clock;
  readonly onEvent: EventListener;
  /** Stops the run. */
  readonly signal: AbortSignal | undefined;
  /** The time of all checks together. */
  readonly deadlineMs: number;
}

/** What is common to the checks of one part: their subject. */
export interface Subject {
  readonly part: Part;
  /** Safe to print. */
  readonly source?: string | undefined;
}

/** Collects rows, and bounds each check in time: one that fails or hangs does not hide the others. */
export class Examination {
  readonly rows: CheckRow[] = [];
  readonly #options: ExaminationOptions;
  readonly #startMs: number;

  constructor(options: ExaminationOptions) {
    this.#options = options;
    this.#startMs = options.clock.nowMs();
  }

  elapsedMs(): number {
    return Math.round(this.#options.clock.nowMs() - this.#startMs);
  }

  add({ part, source }: Subject, check: CheckName, result: CheckResult): void {
    const row = { check, part, ...(source === undefined ? {} : { source }), ...result };
    this.rows.push(row);
    this.#options.onEvent({ event: 'check', ...row });
  }

  /**
   * Does what a check needs. A failure and the end of its time are its row.
   * @param work its signal ends it: when its time is over, and when the run is stopped
   * @returns undefined: it has failed, and its row is there
   * @throws CcxriError `aborted`; bugs
   */
  async attempt<T>(
    subject: Subject,
    check: CheckName,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    const { signal: user, deadlineMs } = this.#options;
    throwIfAborted(user);
    const limitMs = Math.min(CHECK_MS, deadlineMs - this.elapsedMs());
    if (limitMs <= 0) {
      this.add(subject, check, lateResult(subject.part));
      return undefined;
    }
    const end = new AbortController();
    const late = Symbol('late');
    let [timer, onStop]: [NodeJS.Timeout | undefined, () => void] = [undefined, () => undefined];
    const over = new Promise<typeof late>((resolve) => {
      onStop = () => resolve(late);
      timer = setTimeout(onStop, limitMs);
      // What is written in the destination is removed before a stop is over.
      if (subject.part !== 'destination') user?.addEventListener('abort', onStop);
    });
    try {
      const working = work(runSignal(user, end));
      const value = await Promise.race([working, over]);
      if (value !== late) return value;
      // What it throws now is of no interest any more.
      working.catch(() => undefined);
      end.abort();
      throwIfAborted(user);
      this.add(subject, check, lateResult(subject.part, limitMs));
    } catch (error) {
      throwIfAborted(user);
      if (!isCcxriError(error)) throw error;
      this.add(subject, check, toProblem(error));
    } finally {
      clearTimeout(timer);
      user?.removeEventListener('abort', onStop);
    }
    throwIfAborted(user);
    return undefined;
  }
}

export function ok(seen: string): CheckResult {
  return { status: 'ok', seen };
}

export function warning(seen: string, next?: CheckRow['next']): CheckResult {
  return { status: 'warning', seen, ...(next === undefined ? {} : { next }) };
}

export function toProblem({ code, message, next, facts }: CcxriError): CheckResult {
  const reasons = (facts.reasons ?? []).slice(0, 3).map((reason) => `; ${reason}`);
  const seen = `${message}${reasons.join('')}`;
  return { status: 'problem', seen, code, ...(next.length === 0 ? {} : { next }) };
}

/** @param limitMs absent: it was not even begun */
function lateResult(part: Part, limitMs?: number): CheckResult {
  const seen =
    limitMs === undefined
      ? 'not looked at: the time of this run was over'
      : `no answer within ${formatDuration(limitMs)}`;
  switch (part) {
    case 'network':
      return {
        status: 'problem',
        seen,
        code: 'stalled',
        next: [{ kind: 'again', purpose: 'later' }],
      };
    case 'destination':
      return {
        status: 'problem',
        seen,
        code: 'disk-io',
        next: [{ kind: 'advice', text: 'check the disk, or the network behind it' }],
      };
    case 'machine':
      return warning(seen);
  }
}

/** Runs side by side, waits for all of them, and throws what the first failure threw. */
export async function together(work: readonly Promise<unknown>[]): Promise<void> {
  for (const each of await Promise.allSettled(work)) {
    if (each.status === 'rejected') throw each.reason;
  }
}
