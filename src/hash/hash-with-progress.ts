import type { Clock } from '../clock.ts';
import type { EventListener } from '../events.ts';
import { ProgressThrottle } from '../progress-throttle.ts';
import { type HashedFile, hashFile } from './hash-file.ts';
import type { HashPool } from './hash-pool.ts';

export interface HashContext {
  readonly clock: Clock;
  readonly onEvent: EventListener;
  readonly signal: AbortSignal;
  readonly hashPool: HashPool;
}

/**
 * Hashes a file and emits its progress as phase `hash`.
 * @param file manifest name
 * @throws as `hashFile`
 */
export async function hashWithProgress(
  file: string,
  path: string,
  totalBytes: number,
  { clock, onEvent, signal, hashPool: pool }: HashContext,
): Promise<HashedFile> {
  const phase = { file, phase: 'hash', totalBytes } as const;
  const progress = new ProgressThrottle(clock, onEvent);
  onEvent({ event: 'phase-start', ...phase, doneBytes: 0 });
  const hashed = await hashFile(path, {
    signal,
    pool,
    onBytes: (doneBytes) => progress.emit({ ...phase, doneBytes }),
  });
  const { bytes, md5 } = hashed;
  onEvent({ event: 'phase-done', file, phase: 'hash', bytes, md5 });
  return hashed;
}
