import type { Clock } from '../clock.ts';
import type { EventListener } from '../events.ts';
import type { ArchiveImages, IndexRow } from '../labels/join.ts';
import { NOTHING_TO_FETCH } from '../plan-event.ts';
import { ProgressThrottle } from '../progress-throttle.ts';
import type { ArchivePart, PlannedSplit } from './plan.ts';

/** Of one archive, in all parts of the split. */
interface Counted {
  readonly about: { readonly file: string; readonly subsets: readonly string[] };
  /** By path below images/<archive>/. */
  readonly bytesOf: ReadonlyMap<string, number>;
  totalBytes: number;
  doneBytes: number;
  images: number;
}

/** What is told while images are read: how many of them, and how much that is before they are converted. */
export class ExportProgress {
  readonly #onEvent: EventListener;
  readonly #throttle: ProgressThrottle;
  readonly #archives = new Map<string, Counted>();

  constructor(clock: Clock, onEvent: EventListener) {
    this.#onEvent = onEvent;
    this.#throttle = new ProgressThrottle(clock, onEvent);
  }

  /** @param skipped how many images of each split an earlier run has written */
  plan(splits: readonly PlannedSplit[], skipped: readonly number[]): void {
    const patients = new Set<string>();
    let images = 0;
    for (const { archives } of splits) {
      for (const part of archives) {
        const counted = this.#countedOf(part);
        for (const row of part.rows) {
          patients.add(row.patientId);
          counted.totalBytes += bytesOf(row, counted);
        }
        images += part.rows.length;
      }
    }
    for (const [at, { archives }] of splits.entries()) this.#skip(archives, skipped[at] ?? 0);
    const work = [...this.#archives.values()].map(({ about, totalBytes, doneBytes }) => ({
      ...{ ...about, phase: 'export' as const, bytes: totalBytes - doneBytes },
    }));
    const counts = { images, controls: 0, imagesHere: skipped.reduce((sum, n) => sum + n, 0) };
    const nothing = { requests: 0, bytes: 0, wholeArchives: 0, bytesOfWholeArchives: 0 };
    const { size: archives } = this.#archives;
    this.#onEvent({
      ...{ event: 'plan', files: archives, ...NOTHING_TO_FETCH, bytesFreeOnDisk: null, work },
      images: {
        ...counts,
        ...nothing,
        patients: patients.size,
        archives,
        about: false,
        labels: [],
      },
    });
  }

  begin({ file }: ArchiveImages): void {
    const counted = this.#archives.get(file);
    if (counted !== undefined) this.#onEvent({ event: 'phase-start', ...toPhase(counted) });
  }

  moved({ file }: ArchiveImages, row: IndexRow): void {
    const counted = this.#archives.get(file);
    if (counted === undefined) return;
    counted.doneBytes += bytesOf(row, counted);
    counted.images += 1;
    this.#throttle.emit({ ...toPhase(counted), images: counted.images });
  }

  end({ file }: ArchiveImages): void {
    const counted = this.#archives.get(file);
    if (counted === undefined) return;
    const { about, doneBytes, images } = counted;
    this.#onEvent({ event: 'progress', ...toPhase(counted), images });
    this.#onEvent({ event: 'phase-done', ...about, phase: 'export', bytes: doneBytes });
  }

  #skip(archives: readonly ArchivePart[], images: number): void {
    let left = images;
    for (const part of archives) {
      const counted = this.#countedOf(part);
      for (const row of part.rows.slice(0, left)) {
        counted.doneBytes += bytesOf(row, counted);
        counted.images += 1;
      }
      left = Math.max(0, left - part.rows.length);
    }
  }

  #countedOf({ archive: { file, subsets }, record }: ArchivePart): Counted {
    const known = this.#archives.get(file);
    if (known !== undefined) return known;
    const sizes = new Map((record?.members ?? []).map(({ path, bytes }) => [path, bytes]));
    const about = { file, subsets };
    const counted = { about, bytesOf: sizes, totalBytes: 0, doneBytes: 0, images: 0 };
    this.#archives.set(file, counted);
    return counted;
  }
}

function bytesOf({ path, archive }: IndexRow, { bytesOf: sizes }: Counted): number {
  return sizes.get(path.slice(`images/${archive}/`.length)) ?? 0;
}

function toPhase({ about, doneBytes, totalBytes }: Counted) {
  return { ...about, phase: 'export', doneBytes, totalBytes } as const;
}
