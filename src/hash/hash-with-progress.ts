import type { Clock } from '../clock.ts';
import { type EventListener, ProgressTeller } from '../events.ts';
import { type Candidate, hashFile } from './hash-file.ts';
import type { HashPool } from './hash-pool.ts';

export interface HashTellingContext {
  readonly clock: Clock;
  readonly onEvent: EventListener;
  readonly signal: AbortSignal;
  readonly hashPool: HashPool;
}

/**
 * Hashes a file that lies there, and tells of it as phase `hash`.
 * @param file manifest name
 * @throws as `hashFile`
 */
export async function hashTelling(
  file: string,
  { path, totalBytes }: { readonly path: string; readonly totalBytes: number },
  { clock, onEvent, signal, hashPool: pool }: HashTellingContext,
): Promise<Candidate> {
  const phase = { file, phase: 'hash', totalBytes } as const;
  const progress = new ProgressTeller(clock, onEvent);
  onEvent({ event: 'phase-start', ...phase, doneBytes: 0 });
  const { md5, bytes } = await hashFile(path, {
    signal,
    pool,
    onBytes: (doneBytes) => progress.tell({ ...phase, doneBytes }),
  });
  onEvent({ event: 'phase-done', file, phase: 'hash', bytes, md5 });
  return { path, bytes, md5 };
}
