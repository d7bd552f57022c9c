import { type RunOptions, assertDirectory } from './dataset/session.ts';
import { indexRows, openIndexSource } from './labels/build-index.ts';
import { type ImageStats, StatsCounter } from './labels/stats.ts';

export type StatsOptions = Omit<RunOptions, 'onEvent' | 'clock'>;

/** What is here. */
export interface StatsResult extends ImageStats {
  /** The dataset directory. */
  readonly dest: string;
}

/**
 * Counts the images that are here, extracted or in checked archives, by subset, label and patient. Reads
 * no image, and not index.csv.
 * @throws CcxriError `missing`: no such directory, or no images of the selection in it;
 *   `unknown-subset`, `unknown-file`; `labels-invalid`; of the disk; `aborted`
 */
export async function datasetStats(options: StatsOptions): Promise<StatsResult> {
  const { dest, signal } = options;
  await assertDirectory(dest);
  const source = await openIndexSource({ ...options, packed: true });
  const counter = new StatsCounter();
  for await (const { archive, rows } of indexRows(source, signal)) counter.add(archive, rows);
  return { dest, ...counter.finish() };
}
