import { count, formatAbout, formatBytes, formatCount, formatSpeed } from '../text.ts';
import { type Position, type RunState, SILENT_MS } from './progress-state.ts';
import type { ByPhase } from './time-left.ts';

export const PHASE_WORDS: ByPhase<string> = {
  download: 'download',
  hash: 'check',
  extract: 'extract',
  check: 'check',
  export: 'export',
};
export const DOING: ByPhase<string> = {
  download: 'downloading',
  hash: 'checking',
  extract: 'extracting',
  check: 'checking',
  export: 'exporting',
};
const DONE: ByPhase<string> = {
  download: 'downloaded',
  hash: 'checked',
  check: 'checked',
  extract: 'extracted',
  export: 'exported',
};

/** `12 of 82 files`; of chosen images `30 of 71 images` */
export function filesOf({ filesDone, filesInAll, imagesDone, imagesInAll }: RunState): string {
  if (imagesInAll !== null) return `${formatCount(imagesDone)} of ${count(imagesInAll, 'image')}`;
  const [done, all] = [filesDone, filesInAll];
  return all === null
    ? `${count(done, 'file')} done`
    : `${formatCount(done)} of ${count(all, 'file')}`;
}

/** `reading directories: 12 of 51 archives` */
export function listingOf(listing: NonNullable<RunState['listing']>): string {
  if ('files' in listing) return `looking: ${count(listing.files, 'file')} so far`;
  const { listed, archives } = listing;
  return `reading directories: ${formatCount(listed)} of ${count(archives, 'archive')}`;
}

/** `10.1 GB of about 45.1 GB downloaded`; at the end `45.1 GB downloaded` */
export function amountOf({ doneBytes, totalBytes, phase, fraction }: Position): string {
  const isOpen = totalBytes !== null && fraction !== 1;
  const of = isOpen ? ` of about ${formatBytes(totalBytes)}` : '';
  return `${formatBytes(doneBytes)}${of} ${DONE[phase]}`;
}

/** Rounded down: only what is complete shows 100 %. */
export function percentOf(fraction: number): string {
  return `${Math.floor(fraction * 100)}%`;
}

/** The speed, or what is waited for. */
export function paceOf({ waitMs, silentMs, bytesPerSecond }: Position): string {
  if (waitMs !== null) return `waiting, again in ${formatAbout(waitMs)}`;
  if (silentMs >= SILENT_MS) return 'no bytes just now';
  return bytesPerSecond > 0 ? formatSpeed(bytesPerSecond) : '';
}

/** `about 1.2 h left`; empty: nobody knows, or nothing is left. */
export function leftOf({ leftMs, waitMs }: Position): string {
  return leftMs === null || leftMs === 0 || waitMs !== null
    ? ''
    : `about ${formatAbout(leftMs)} left`;
}
