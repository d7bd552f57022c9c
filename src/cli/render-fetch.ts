import type {
  FetchDid,
  FetchOutcome,
  FetchPlan,
  FetchResult,
  FetchStep,
} from '../fetch/fetch-types.ts';
import { isTooSmall, missingBytes } from '../fetch/plan.ts';
import { statusText } from '../file-status.ts';
import { count, formatBytes, formatDuration, formatSize, toPrintable } from '../text.ts';
import { renderFetchedImages, renderImagesPlan } from './render-images.ts';
import {
  type Labels,
  joinParts,
  ofShard,
  renderBroken,
  renderContentChecked,
  didCountsLine,
  renderCounts,
  renderIndex,
} from './render-outcomes.ts';
import type { View } from './view.ts';

interface RenderOptions {
  readonly view: View;
  /** The command that does what was planned, in backticks. */
  readonly again: string;
  /** What to do where the disk is too small; undefined: it is done all the same. */
  readonly lowDisk: string | undefined;
}

/** What a fetch would do. */
export function renderPlan(result: FetchResult, { view, again, lowDisk }: RenderOptions): string {
  const { dest, plan, bytesDownloaded } = result;
  const { steps, bytesToDownload, about, bytesNeededOnDisk, bytesFreeOnDisk } = plan;
  const isOpen = ({ action, removes }: FetchStep) => action !== 'done' || removes;
  const open = view.verbose ? steps : steps.filter(isOpen);
  const done = steps.filter(({ action }) => action === 'done').length;
  const table = view.table(
    ['file', 'status', 'action', { right: '' }],
    open.map((step) => [step.file, statusText(step.status), actionOf(step), amountOf(step)]),
  );
  const free = bytesFreeOnDisk === null ? '' : `, ${formatBytes(bytesFreeOnDisk)} free`;
  const lines = [
    `${count(steps.length, 'file')}${ofShard(result)} into ${toPrintable(dest, 4096)}, ${done} of them done already`,
    `download: ${formatSize({ bytes: bytesToDownload, about })}`,
    ...toCheckLines(plan),
    `disk: about ${formatBytes(bytesNeededOnDisk)} needed${free}`,
    ...toPeakLines(plan),
    ...toRemoveLines(plan),
    ...whatNext(plan, { view, again, lowDisk }),
  ];
  const listed = open.length === 0 ? '' : `${table}\n`;
  // The archives of chosen images are many, each with a few: their labels say more.
  const shown = plan.images === undefined || view.verbose ? listed : '';
  const images =
    plan.images === undefined ? '' : `${renderImagesPlan(plan.images, bytesDownloaded, view)}\n`;
  return `${images}${shown}${lines.join('\n')}\n`;
}

/** How to go on: where the disk is too small, the same command would be refused. */
function whatNext(plan: FetchPlan, { view, again, lowDisk }: RenderOptions): readonly string[] {
  const small = `the disk is too small by about ${formatBytes(missingBytes(plan))}`;
  const warning = isTooSmall(plan) ? [view.style.yellow(small)] : [];
  if (warning.length === 0 || lowDisk === undefined) {
    return [...warning, `nothing was written; ${again} does it`];
  }
  return [...warning, `nothing was written; ${lowDisk}`];
}

/** What the files take at the worst moment of a run with little disk. */
function toPeakLines({ peak }: FetchPlan): readonly string[] {
  if (peak === undefined) return [];
  const { bytes, about, bytesOfImages, bytesOfArchives, bytesBeforeResize = 0 } = peak;
  const parts = [
    `${formatBytes(bytesOfImages)} of images`,
    `${formatBytes(bytesOfArchives)} of archives`,
    ...(bytesBeforeResize > 0 ? [`${formatBytes(bytesBeforeResize)} of images to be resized`] : []),
  ];
  return [`at most on disk: ${formatSize({ bytes, about })} (${parts.join(', ')} at once)`];
}

/** What is here, and not known to be right. */
function toCheckLines({ steps }: FetchPlan): readonly string[] {
  const toCheck = steps.filter(({ action }) => action === 'check');
  if (toCheck.length === 0) return [];
  const bytes = toCheck.reduce((sum, step) => sum + step.bytes, 0);
  return [`check: ${count(toCheck.length, 'file')} here, ${formatBytes(bytes)}`];
}

/** What will be deleted: of what is here, and of what comes. */
function toRemoveLines({ steps, bytesToRemove }: FetchPlan): readonly string[] {
  const removed = steps.filter(({ removes }) => removes);
  if (removed.length === 0) return [];
  const isToCome = ({ action }: FetchStep) => action === 'download' || action === 'resume';
  const toCome = removed.filter(isToCome);
  const here = removed.length - toCome.length;
  const which = [
    ...(here > 0 ? [`${count(here, 'archive')} here`] : []),
    ...(toCome.length > 0 ? [`${count(toCome.length, 'archive')} to be downloaded`] : []),
  ].join(' and ');
  const size = formatSize({ bytes: bytesToRemove, about: toCome.some(({ about }) => about) });
  const their = removed.length === 1 ? 'its' : 'their';
  return [`delete: ${which}, ${size}, once ${their} images are checked`];
}

const ACTIONS: Readonly<Record<FetchStep['action'], string>> = {
  done: 'skip (done)',
  extract: 'extract',
  check: 'verify in place',
  resume: 'resume',
  download: 'download',
  images: 'single images',
};

function actionOf({ action, removes }: FetchStep): string {
  if (!removes) return ACTIONS[action];
  return action === 'done' ? 'delete the archive' : `${ACTIONS[action]}, then delete`;
}

function amountOf(step: FetchStep): string {
  const { action, keptBytes, removes } = step;
  if (action === 'resume') return `${formatBytes(keptBytes)} of ${formatSize(step)} here`;
  return removes || action === 'download' || action === 'check' ? formatSize(step) : '';
}

const DIDS: Labels<FetchDid> = {
  downloaded: 'downloaded',
  repaired: 'repaired',
  checked: 'checked here',
  extracted: 'extracted',
  skipped: 'done before',
  failed: 'failed',
  stopped: 'not finished',
};

export const FETCH_DIDS: readonly string[] = Object.keys(DIDS);

/** What is known of a fetch, also of one that was stopped. */
export type Fetched = Pick<
  FetchResult,
  'dest' | 'outcomes' | 'bytesDownloaded' | 'elapsedMs' | 'index' | 'images' | 'shard'
>;

/**
 * The result of a fetch: what was downloaded, the index, and the next step. What failed, and why, is said
 * by the errors of the run.
 * @param hasErrors of those, each says what to do next
 */
export function renderFetched(result: Fetched, view: View, hasErrors: boolean): string {
  return joinParts([
    renderHead(result, view),
    result.outcomes.every(isGood) ? renderHowMany(result.outcomes, view) : '',
    result.images === undefined ? '' : renderFetchedImages(result.images, result, view),
    renderContentChecked(result.outcomes),
    renderRemoved(result.outcomes),
    result.index === undefined
      ? renderBroken(result.outcomes, view)
      : renderIndex(result.index, view),
    hasErrors ? '' : renderNext(result, view),
  ]);
}

function isGood({ did }: FetchOutcome): boolean {
  return did !== 'failed' && did !== 'stopped';
}

function renderHead(result: Fetched, view: View): string {
  const { dest, outcomes, bytesDownloaded, elapsedMs } = result;
  const { red, green } = view.style;
  const good = outcomes.filter(isGood).length;
  const all = count(outcomes.length, 'file') + ofShard(result);
  const files = good === outcomes.length ? all : `${good} of ${all}`;
  const downloaded = bytesDownloaded > 0 ? `, ${formatBytes(bytesDownloaded)} downloaded` : '';
  const counts = good === outcomes.length ? '' : ` (${didCountsLine(DIDS, outcomes)})`;
  const what = `${files} in ${toPrintable(dest, 4096)}${downloaded} in ${formatDuration(elapsedMs)}`;
  const head = good === outcomes.length ? green(`done: ${what}`) : `${red('not done')}: ${what}`;
  return view.prose(`${head}${counts}\n`, '  ');
}

function renderHowMany(outcomes: readonly FetchOutcome[], view: View): string {
  const members = outcomes.reduce((sum, outcome) => sum + (outcome.members ?? 0), 0);
  // Also those of earlier runs: the counts say which are new.
  const extracted = members === 0 ? '' : `${count(members, 'file')} in images/\n`;
  return renderCounts(outcomes, { dids: DIDS }, view) + extracted;
}

/** Archives that this run has deleted. */
function renderRemoved(outcomes: readonly FetchOutcome[]): string {
  const removed = outcomes.filter(({ removedBytes }) => removedBytes > 0);
  if (removed.length === 0) return '';
  const bytes = removed.reduce((sum, { removedBytes }) => sum + removedBytes, 0);
  const their = removed.length === 1 ? 'its' : 'their';
  return `removed ${count(removed.length, 'archive')}, ${formatBytes(bytes)}: ${their} images are checked\n`;
}

function renderNext({ outcomes, index, dest, shard }: Fetched, view: View): string {
  const next = view.style.bold('next:');
  if (index !== undefined) {
    return `${next} read ${toPrintable(index.path, 4096)}; its paths start at ${toPrintable(dest, 4096)}\n`;
  }
  if (shard !== undefined) {
    const join = view.suggest.command('join');
    return `${next} once all ${count(shard.count, 'shard')} are done, ${join} writes index.csv\n`;
  }
  const hasArchives = outcomes.some(({ kind }) => kind === 'archive');
  const isUnpacked = outcomes.some(({ members }) => members !== null);
  if (!hasArchives) return '';
  const unpack = isUnpacked ? '' : `${view.suggest.command('extract')} unpacks the archives, then `;
  return `${next} ${unpack}${view.suggest.command('join')} writes index.csv\n`;
}
