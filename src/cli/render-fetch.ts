import type { FetchOutcome, FetchResult, FetchStatus, FetchStep } from '../fetch/fetch-types.ts';
import { isTooSmall } from '../fetch/plan.ts';
import { count, formatBytes, formatDuration, toPrintable } from '../text.ts';
import {
  type StatusLabels,
  joinParts,
  renderBroken,
  renderContentChecked,
  renderIndex,
  renderStatusCounts,
  statusCountsLine,
} from './render-outcomes.ts';
import type { View } from './view.ts';

interface RenderOptions {
  readonly view: View;
  /** The command that resumes, in backticks. */
  readonly again: string;
}

/** What a fetch would do. */
export function renderPlan({ dest, plan }: FetchResult, { view, again }: RenderOptions): string {
  const { steps, bytesToDownload, bytesNeededOnDisk, bytesFreeOnDisk } = plan;
  const open = view.verbose ? steps : steps.filter(({ action }) => action !== 'done');
  const done = steps.filter(({ action }) => action === 'done').length;
  const table = view.table(
    ['file', 'action', { right: '' }],
    open.map((step) => [step.file, ACTIONS[step.action], amountOf(step)]),
  );
  const free = bytesFreeOnDisk === null ? '' : `, ${formatBytes(bytesFreeOnDisk)} free`;
  const lines = [
    `${count(steps.length, 'file')} into ${toPrintable(dest, 4096)}, ${done} of them done already`,
    `download: about ${formatBytes(bytesToDownload)}`,
    `disk: about ${formatBytes(bytesNeededOnDisk)} needed${free}`,
    ...(isTooSmall(plan) ? [view.style.yellow('the disk is too small for it')] : []),
    `nothing was written; ${again} does it`,
  ];
  return `${open.length === 0 ? '' : `${table}\n`}${lines.join('\n')}\n`;
}

const ACTIONS: Readonly<Record<FetchStep['action'], string>> = {
  done: 'skip (done)',
  extract: 'extract',
  check: 'verify in place',
  resume: 'resume',
  download: 'download',
};

function amountOf({ action, bytes, keptBytes }: FetchStep): string {
  if (action === 'resume') return `${formatBytes(keptBytes)} of about ${formatBytes(bytes)} here`;
  return action === 'download' ? `about ${formatBytes(bytes)}` : '';
}

export const FETCH_STATUSES: StatusLabels<FetchStatus> = {
  downloaded: 'downloaded',
  adopted: 'found here, checked',
  extracted: 'extracted',
  present: 'were here already',
  failed: 'failed',
  stopped: 'not finished',
};

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
    result.outcomes.every(isGood) ? renderCounts(result.outcomes, view) : '',
    renderContentChecked(result.outcomes),
    result.index === undefined
      ? renderBroken(result.outcomes, view)
      : renderIndex(result.index, view),
    renderNext(result, view),
  ]);
}

function isGood({ status }: FetchOutcome): boolean {
  return status !== 'failed' && status !== 'stopped';
}

function renderHead({ dest, outcomes, bytesDownloaded, elapsedMs }: Fetched, view: View): string {
  const { red, green } = view.style;
  const good = outcomes.filter(isGood).length;
  const all = count(outcomes.length, 'file');
  const word = good === outcomes.length ? green('done') : red('not done');
  const files = good === outcomes.length ? all : `${good} of ${all}`;
  const downloaded = bytesDownloaded > 0 ? `, ${formatBytes(bytesDownloaded)} downloaded` : '';
  const counts =
    good === outcomes.length ? '' : ` (${statusCountsLine(SHOWN_STATUSES, shownOf(outcomes))})`;
  const head = `${word}: ${files} in ${toPrintable(dest, 4096)}${downloaded} in ${formatDuration(elapsedMs)}`;
  return view.prose(`${head}${counts}\n`, '  ');
}

function renderCounts(outcomes: readonly FetchOutcome[], view: View): string {
  const members = outcomes.reduce((sum, outcome) => sum + (outcome.members ?? 0), 0);
  // Also those of earlier runs: the counts say which are new.
  const extracted = members === 0 ? '' : `${count(members, 'file')} in images/\n`;
  return renderStatusCounts(SHOWN_STATUSES, shownOf(outcomes), view) + extracted;
}

/** Files of this run that passed by their content alone are counted apart: their MD5 did not match. */
const SHOWN_STATUSES: StatusLabels<FetchStatus | 'downloaded-content' | 'adopted-content'> = {
  downloaded: FETCH_STATUSES.downloaded,
  'downloaded-content': 'downloaded, content-checked',
  adopted: FETCH_STATUSES.adopted,
  'adopted-content': 'found here, content-checked',
  extracted: FETCH_STATUSES.extracted,
  present: FETCH_STATUSES.present,
  failed: FETCH_STATUSES.failed,
  stopped: FETCH_STATUSES.stopped,
};

function shownOf(outcomes: readonly FetchOutcome[]) {
  return outcomes.map((outcome) => ({ ...outcome, status: shownStatusOf(outcome) }));
}

function shownStatusOf({ status, check }: FetchOutcome): keyof typeof SHOWN_STATUSES {
  if (check !== 'content-checked') return status;
  return status === 'downloaded' || status === 'adopted' ? `${status}-content` : status;
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
