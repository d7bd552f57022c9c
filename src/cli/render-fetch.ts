import { isCcxriError } from '../errors.ts';
import type { FetchOutcome, FetchResult, FetchStatus, FetchStep } from '../fetch/fetch-types.ts';
import { isTooSmall } from '../fetch/plan.ts';
import { count, formatBytes, formatDuration, toPrintable } from '../text.ts';
import { exitCodeOf, worstOf } from './exit-codes.ts';
import { aboutFiles, nextLine, someOf } from './render-error.ts';
import {
  type StatusLabels,
  joinParts,
  renderBroken,
  renderContentChecked,
  renderFailed,
  renderIndex,
  renderStatusCounts,
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

/** The result of a fetch: what was downloaded, what failed and why, the index, and the next step. */
export function renderFetched(result: Fetched, options: RenderOptions): string {
  const { view } = options;
  return joinParts([
    renderHead(result, view),
    renderCounts(result.outcomes, view),
    renderFailed(result.outcomes, view),
    renderContentChecked(result.outcomes),
    result.index === undefined
      ? renderBroken(result.outcomes, view)
      : renderIndex(result.index, view),
    renderNext(result, options),
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
  return `${word}: ${files} in ${toPrintable(dest, 4096)}${downloaded} in ${formatDuration(elapsedMs)}\n`;
}

function renderCounts(outcomes: readonly FetchOutcome[], view: View): string {
  const members = outcomes.reduce((sum, outcome) => sum + (outcome.members ?? 0), 0);
  // Also those of earlier runs: the counts say which are new.
  const extracted = members === 0 ? '' : `${count(members, 'file')} in images/\n`;
  const shown = outcomes.map((outcome) => ({ ...outcome, status: shownStatusOf(outcome) }));
  return renderStatusCounts(SHOWN_STATUSES, shown, view) + extracted;
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

function shownStatusOf({ status, check }: FetchOutcome): keyof typeof SHOWN_STATUSES {
  if (check !== 'content-checked') return status;
  return status === 'downloaded' || status === 'adopted' ? `${status}-content` : status;
}

function renderNext(result: Fetched, { view, again }: RenderOptions): string {
  const { outcomes, index, dest } = result;
  if (!outcomes.every(isGood)) {
    return nextSentences(outcomes, again, view)
      .map((sentence) => nextLine(sentence, view))
      .join('');
  }
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

/**
 * The same command again helps if the network failed, or if a file was not begun. After any other
 * failure it would fail again: then that error's own next step comes first. A file that no source has
 * needs another source.
 */
function nextSentences(
  outcomes: readonly FetchOutcome[],
  again: string,
  { suggest: { hintOf } }: View,
): readonly string[] {
  const open = outcomes.filter((outcome) => !isGood(outcome));
  const lacking = open.filter(({ error }) => isCcxriError(error, 'file-not-at-source'));
  const waiting = open.filter((outcome) => !lacking.includes(outcome) && mayPass(outcome));
  const wrong = open.filter((outcome) => !lacking.includes(outcome) && !mayPass(outcome));
  const worst = worstOf(wrong.map(({ error }) => exitCodeOf(error)));
  const hint = hintOf(wrong.find(({ error }) => exitCodeOf(error) === worst)?.error ?? {});
  const ofHint = wrong.filter(({ error }) => hintOf(error ?? {}) === hint).map(({ file }) => file);
  const isAlone = waiting.length + lacking.length === 0;
  const first = hint === undefined ? [] : [isAlone ? hint : aboutFiles(ofHint, hint)];
  const what =
    hint === undefined
      ? ': it gets only what is missing'
      : ', for the other files that are missing';
  const helps = waiting.length > 0 || (hint === undefined && lacking.length === 0);
  return [
    ...first,
    ...(helps ? [`${again} again${what}`] : []),
    ...(lacking.length > 0 ? [elsewhere(lacking, again)] : []),
  ];
}

function mayPass({ error }: FetchOutcome): boolean {
  return error === undefined || exitCodeOf(error) === NETWORK;
}

function elsewhere(lacking: readonly FetchOutcome[], again: string): string {
  const files = someOf(lacking.map(({ file }) => file));
  return `${again} again, with another --source as well: no source that was asked has ${files}`;
}

const NETWORK = 4;
