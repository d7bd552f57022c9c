import type { Phase } from '../events.ts';

export type ByPhase<T> = Readonly<Record<Phase, T>>;

/** In the order in which a file goes through them. */
export const PHASES: readonly Phase[] = ['hash', 'download', 'extract', 'check', 'export'];

/** What is left of one phase of a file. */
export interface OpenPhase {
  readonly phase: Phase;
  readonly bytes: number;
}

/** How fast a phase is, over all files in it, and how many files are in it at once. */
export interface Pace {
  readonly bytesPerSecond: number;
  readonly filesAtOnce: number;
}

/**
 * The time until everything is done. The phases of one file follow each other, those of different files
 * overlap: a run that is bound by its line takes no longer for what it extracts meanwhile, and the last
 * file is extracted after the last byte.
 * @param files of each the phases that are left, in order; files are begun in this order
 */
export function timeLeftMs(files: readonly (readonly OpenPhase[])[], paces: ByPhase<Pace>): number {
  let open = files.map((phases) => phases.map((each) => ({ ...each })));
  for (let elapsedMs = 0; ;) {
    open = open.flatMap((phases) => {
      const left = phases.filter(({ bytes }) => bytes > 0);
      return left.length > 0 ? [left] : [];
    });
    if (open.length === 0) return elapsedMs;
    const active = PHASES.flatMap((phase) => {
      const heads = open.flatMap(([head]) => (head?.phase === phase ? [head] : []));
      const begun = heads.slice(0, paces[phase].filesAtOnce);
      const bytesPerMs = paces[phase].bytesPerSecond / 1000 / begun.length;
      return begun.map((head) => ({ head, bytesPerMs }));
    });
    const stepMs = Math.min(...active.map(({ head, bytesPerMs }) => head.bytes / bytesPerMs));
    if (!Number.isFinite(stepMs)) return Infinity;
    for (const { head, bytesPerMs } of active) {
      const left = head.bytes - bytesPerMs * stepMs;
      // Less than a byte is what rounding has left.
      head.bytes = left < 1 ? 0 : left;
    }
    elapsedMs += stepMs;
  }
}
