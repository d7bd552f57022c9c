import type {
  FetchDid,
  FetchOutcome,
  FetchPlan,
  FetchResult,
  FetchStep,
} from '../fetch/fetch-types.ts';
import { isTooSmall } from '../fetch/plan.ts';
import { statusText } from '../file-status.ts';
import { count, formatBytes, formatDuration, formatSize, toPrintable } from '../text.ts';
import {
  type Labels,
  joinParts,
  renderBroken,
  renderContentChecked,
  didCountsLine,
  renderCounts,
  renderIndex,
} from './render-outcomes.ts';
import type { View } from './view.ts';

interface RenderOptions {
  readonly view: View;
  /** The command that resumes, in backticks. */
  readonly again: string;
}

/** What a fetch would do. */
export function renderPlan({ dest, plan }: FetchResult, { view, again }: RenderOptions): string {
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
    `${count(steps.length, 'file')} into ${toPrintable(dest, 4096)}, ${done} of them done already`,
    `download: ${formatSize({ bytes: bytesToDownload, about })}`,
    `disk: about ${formatBytes(bytesNeededOnDisk)} needed${free}`,
    ...toRemoveLines(plan),
    ...(isTooSmall(plan) ? [view.style.yellow('the disk is too small for it')] : []),
    `nothing was written; ${again} does it`,
  ];
  return `${open.length === 0 ? '' : `${table}\n`}${lines.join('\n')}\n`;
}

/** What of what is here will be deleted. */
function toRemoveLines({ steps, bytesToRemove }: FetchPlan): readonly string[] {
  const n = steps.filter(({ removes }) => removes).length;
  if (n === 0) return [];
  const [archives, their] = [count(n, 'archive'), n === 1 ? 'its' : 'their'];
  return [
    `delete: ${archives} here, ${formatBytes(bytesToRemove)}, once ${their} images are checked`,
  ];
}

const ACTIONS: Readonly<Record<FetchStep['action'], string>> = {
  done: 'skip (done)',
  extract: 'extract',
  check: 'verify in place',
  resume: 'resume',
  download: 'download',
};

function actionOf({ action, removes }: FetchStep): string {
  if (!removes) return ACTIONS[action];
  return action === 'done' ? 'delete the archive' : `${ACTIONS[action]}, then delete`;
}

function amountOf(step: FetchStep): string {
  const { action, keptBytes, removes } = step;
  if (removes) return formatSize(step);
  if (action === 'resume') return `${formatBytes(keptBytes)} of ${formatSize(step)} here`;
  return action === 'download' ? formatSize(step) : '';
}

const DIDS: Labels<FetchDid> = {
  downloaded: 'downloaded',
  checked: 'checked here',
  extracted: 'extracted',
  skipped: 'here already',
  failed: 'failed',
  stopped: 'not finished',
};

export const FETCH_DIDS: readonly string[] = Object.keys(DIDS);

/** What is known of a fetch, also of one that was stopped. */
export type Fetched = Pick<
  FetchResult,
  'dest' | 'outcomes' | 'bytesDownloaded' | 'elapsedMs' | 'index' | 'indexError'
>;

/**
 * The result of a fetch: what was downloaded, the index, and the next step. What failed, and why, is said
 * by the errors of the run.
 */
export function renderFetched(result: Fetched, view: View): string {
  return joinParts([
    renderHead(result, view),
    result.outcomes.every(isGood) ? renderHowMany(result.outcomes, view) : '',
    renderContentChecked(result.outcomes),
    renderRemoved(result.outcomes),
    result.index === undefined
      ? renderBroken(result.outcomes, view)
      : renderIndex(result.index, view),
    renderNext(result, view),
  ]);
}

function isGood({ did }: FetchOutcome): boolean {
  return did !== 'failed' && did !== 'stopped';
}

function renderHead({ dest, outcomes, bytesDownloaded, elapsedMs }: Fetched, view: View): string {
  const { red, green } = view.style;
  const good = outcomes.filter(isGood).length;
  const all = count(outcomes.length, 'file');
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

function renderNext(result: Fetched, view: View): string {
  const { outcomes, index, dest } = result;
  if (!outcomes.every(isGood)) return '';
  const next = view.style.bold('next:');
  if (index !== undefined) {
    return `${next} read ${toPrintable(index.path, 4096)}; its paths start at ${toPrintable(dest, 4096)}\n`;
  }
  // The error says what to do.
  if (result.indexError !== undefined) return '';
  const hasArchives = outcomes.some(({ kind }) => kind === 'archive');
  const isUnpacked = outcomes.some(({ members }) => members !== null);
  if (!hasArchives) return '';
  const unpack = isUnpacked ? '' : `${view.suggest.command('extract')} unpacks the archives, then `;
  return `${next} ${unpack}${view.suggest.command('join')} writes index.csv\n`;
}
