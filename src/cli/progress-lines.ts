import { type ErrorRecord, isOfManyFiles } from '../errors.ts';
import type { PlannedImages, RunEvent } from '../events.ts';
import { statusText } from '../file-status.ts';
import { count, formatAbout, formatBytes, formatCount, formatSize, formatSpeed } from '../text.ts';
import { HeldLines } from './held-lines.ts';
import { type Position, type Progress, type ProgressOptions, RunState } from './progress-state.ts';
import {
  DOING,
  PHASE_WORDS,
  amountOf,
  filesOf,
  leftOf,
  listingOf,
  paceOf,
  percentOf,
} from './progress-words.ts';
import { isOfCaught, renderDemoEvent } from './render-demo.ts';
import { shown } from './render-error.ts';
import { renderServeEvent } from './render-serve.ts';
import type { View } from './view.ts';

const HEARTBEAT_MS = 30_000;
/** How often to check whether a heartbeat is due. */
const CHECK_EVERY_MS = 1000;

/**
 * Plain lines for logs and pipes: one for each finished file, and a heartbeat after 30 s without any
 * other line while files are in work, so that no CI job seems to hang.
 */
export class LineProgress implements Progress {
  readonly #options: Omit<ProgressOptions, 'stream' | 'unicode'>;
  readonly #state = new RunState();
  #lastLineMs: number;
  #timer: NodeJS.Timeout | undefined;
  readonly #held = new HeldLines();

  constructor(options: Omit<ProgressOptions, 'stream' | 'unicode'>) {
    this.#options = options;
    this.#lastLineMs = options.clock.nowMs();
  }

  handle(event: RunEvent): void {
    const { isQuiet, clock, view, heartbeat } = this.#options;
    if (isQuiet) return;
    this.#state.handle(event, clock.nowMs());
    const line = lineOf(event, this.#state, view);
    if (line !== undefined) this.note(line);
    if (!heartbeat) return;
    this.tick();
    this.#timer ??= setInterval(() => this.tick(), CHECK_EVERY_MS).unref();
  }

  note(line: string): void {
    if (this.#held.take(line)) return;
    this.#options.writer.write(`${line}\n`);
    this.#lastLineMs = this.#options.clock.nowMs();
  }

  /** Writes a heartbeat if one is due. */
  tick(): void {
    const nowMs = this.#options.clock.nowMs();
    // Before anything is counted: each event comes here.
    if (this.#held.isHolding || nowMs - this.#lastLineMs < HEARTBEAT_MS) return;
    const at = this.#state.position(nowMs);
    const { listing } = this.#state;
    const hasFiles = at.waitMs !== null || this.#state.filesInWork(nowMs).length > 0;
    if (listing !== null || hasFiles) this.note(heartbeatLine(this.#state, at));
  }

  ask<T>(question: () => Promise<T>): Promise<T> {
    return this.#held.during(question, (line) => this.note(line));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function isToldOtherwise(event: RunEvent, { isRepetition, isDemo }: RunState): boolean {
  return isRepetition || (isDemo && isOfCaught(event));
}

/** The line that an event gets; undefined if it only moves a bar. */
export function lineOf(event: RunEvent, state: RunState, view: View): string | undefined {
  const { verbose, style } = view;
  if (isToldOtherwise(event, state) && !verbose) return undefined;
  switch (event.event) {
    case 'plan':
      return planLine(event);
    case 'file-done':
      return fileDoneLine(event, state, view);
    case 'retry':
      return retryLine(event);
    case 'source-retry':
      return sourceRetryLine(event);
    case 'source-left':
      return sourceLeftLine(event);
    case 'warning': {
      const { code, file, message } = event;
      // Of no use to whoever only wants the files.
      if (code === 'sloppy-http' && !verbose) return undefined;
      const about = file === undefined || message.includes(file) ? '' : `${file}: `;
      return `${style.yellow('warning:')} ${shown(about + message)}`;
    }
    case 'repair':
      return repairLine(event);
    case 'connections':
      return verbose ? connectionsLine(event) : undefined;
    case 'archive-removed':
      return `${event.file}: archive removed, ${formatBytes(event.bytes)}; its images are checked`;
    case 'proxy':
      return verbose ? proxyLine(event) : undefined;
    case 'index-written':
      // The result has it as well.
      return verbose ? `${shown(event.path)}: ${count(event.rows, 'row')} written` : undefined;
    case 'phase-start':
      return startLine(event, view);
    case 'phase-done':
      return verbose ? doneLine(event) : undefined;
    case 'demo-start':
    case 'caught':
      return renderDemoEvent(event, view);
    case 'serving':
    case 'request':
      return renderServeEvent(event, view);
    case 'archive-listed':
    case 'looked':
    case 'check':
    case 'progress':
      return undefined;
  }
}

function sourceLeftLine(event: Extract<RunEvent, { event: 'source-left' }>): string {
  const about = isOfManyFiles(event.error) ? '' : `${event.file}: `;
  return shown(`${about}gave up on ${event.source}: ${messageOf(event)}`);
}

function startLine(
  event: Extract<RunEvent, { event: 'phase-start' }>,
  { verbose }: View,
): string | undefined {
  if (event.phase === 'download' && event.doneBytes > 0) {
    return `${event.file}: resumes at ${formatBytes(event.doneBytes)}`;
  }
  if (event.uselessBytes !== undefined) {
    return `${event.file}: starts over: the ${formatBytes(event.uselessBytes)} here came from another server`;
  }
  return verbose ? `${event.file}: ${DOING[event.phase]}${fromOf(event.source)}` : undefined;
}

function doneLine(event: Extract<RunEvent, { event: 'phase-done' }>): string {
  const { file, phase, bytes, md5, members } = event;
  const parts = [
    `${PHASE_WORDS[phase]} done`,
    formatBytes(bytes),
    ...(members === undefined ? [] : [count(members, 'member')]),
    ...(md5 === undefined ? [] : [`MD5 ${md5}`]),
  ];
  return `${file}: ${parts.join(', ')}`;
}

function planLine(plan: Extract<RunEvent, { event: 'plan' }>): string {
  const parts = plan.images === undefined ? filesTexts(plan) : imagesTexts(plan, plan.images);
  if (plan.toRemove > 0) {
    const size = formatSize({ bytes: plan.bytesToRemove, about: plan.about });
    parts.push(`${count(plan.toRemove, 'archive')} to delete after extraction (${size})`);
  }
  const free = plan.bytesFreeOnDisk === null ? '' : `, ${formatBytes(plan.bytesFreeOnDisk)} free`;
  const needed = `about ${formatBytes(plan.bytesNeededOnDisk)} needed${free}`;
  // On a line of its own: both together are wider than a common terminal.
  const disk = plan.bytesNeededOnDisk > 0 ? `\n      disk: ${needed}` : '';
  return `plan: ${parts.join('; ')}${disk}`;
}

function filesTexts(plan: Extract<RunEvent, { event: 'plan' }>): string[] {
  const size = formatSize({ bytes: plan.bytesToDownload, about: plan.about });
  const toDownload = `${formatCount(plan.toDownload)} to download (${size})`;
  const toCheck = plan.work.filter(({ phase }) => phase === 'hash');
  const bytes = toCheck.reduce((sum, each) => sum + each.bytes, 0);
  return [
    count(plan.files, 'file'),
    ...(plan.alreadyDone > 0 ? [`${formatCount(plan.alreadyDone)} done already`] : []),
    ...(plan.toDownload > 0 ? [toDownload] : []),
    ...(toCheck.length > 0
      ? [`${formatCount(toCheck.length)} to check (${formatBytes(bytes)})`]
      : []),
    ...(plan.toExtract > 0 ? [`${formatCount(plan.toExtract)} to extract`] : []),
  ];
}

/** `71 images of 70 patients in 51 archives; 12 here already; 16 MB in 59 requests` */
function imagesTexts(
  { bytesToDownload, about }: Extract<RunEvent, { event: 'plan' }>,
  { images, patients, archives, imagesHere, bytes, requests, wholeArchives }: PlannedImages,
): string[] {
  const whole = formatSize({ bytes: bytesToDownload - bytes, about });
  return [
    `${count(images, 'image')} of ${count(patients, 'patient')} in ${count(archives, 'archive')}`,
    ...(imagesHere > 0 ? [`${formatCount(imagesHere)} here already`] : []),
    ...(requests > 0 ? [`${formatBytes(bytes)} in ${count(requests, 'request')}`] : []),
    ...(wholeArchives > 0 ? [`${count(wholeArchives, 'archive')} whole (${whole})`] : []),
  ];
}

function repairLine(event: Extract<RunEvent, { event: 'repair' }>): string {
  const { file, badMembers, isDirectoryBad, keptBytes, wholeBecause } = event;
  if (wholeBecause !== null) return `${file}: downloading all of it: ${shown(wholeBecause)}`;
  const wrong = [
    ...(badMembers.length > 0 ? [count(badMembers.length, 'member')] : []),
    ...(isDirectoryBad ? ['the directory'] : []),
  ];
  const what = wrong.length > 0 ? wrong.join(' and ') : 'bytes that no CRC-32 covers';
  return `${file}: ${what} damaged; keeping ${formatBytes(keptBytes)}, downloading the rest`;
}

function connectionsLine(event: Extract<RunEvent, { event: 'connections' }>): string {
  const { connections, before, why, bytesPerSecond } = event;
  const rate = formatSpeed(bytesPerSecond ?? 0);
  switch (why) {
    case 'trial':
      return `connections: ${connections} from now on; ${rate} with ${before}`;
    case 'no-gain':
      return `connections: back to ${connections}; ${rate} with ${before}, which is no gain`;
    case 'refused':
      return `connections: back to ${connections}; a server refused more`;
  }
}

function fileDoneLine(
  event: Extract<RunEvent, { event: 'file-done' }>,
  state: RunState,
  { verbose, style }: View,
): string | undefined {
  const { file, status, did, error } = event;
  // Files that were already here are only counted, by the summary.
  if (did === 'skipped' && error === undefined && !verbose) return undefined;
  // What is wrong is said once, at the end; of a page or manifest, it is no failure of this file.
  if (error !== undefined && isOfManyFiles(error) && !verbose) return undefined;
  const all = state.filesInAll;
  const number = all === null ? '' : `[${state.filesDone}/${Math.max(all, state.filesDone)}] `;
  const here = statusText(status);
  // `missing (missing)` says nothing more.
  const why = error === undefined || error.code === here ? '' : ` (${error.code})`;
  const how = did === undefined || did === 'skipped' ? here : `${did}, ${here}`;
  const word = error === undefined ? style.green(how) : style.red(did ?? here);
  return `${number}${file}: ${word}${why}`;
}

function proxyLine({ host, proxy, variable }: Extract<RunEvent, { event: 'proxy' }>): string {
  return `${shown(host)}: through the proxy ${shown(proxy)} (${variable})`;
}

/** A shorter one is none to a person. */
const SHORTEST_WAIT_MS = 100;

function retryLine(event: Extract<RunEvent, { event: 'retry' }>): string {
  const { file, attempt, delayMs, keptBytes } = event;
  const kept = keptBytes > 0 ? `; ${formatBytes(keptBytes)} kept` : '';
  const why = shown(messageOf(event).replace(/^(?=(?:is|has|was|holds) )/, 'it '));
  const when = delayMs < SHORTEST_WAIT_MS ? 'again at once' : `again in ${formatAbout(delayMs)}`;
  return `${file}: attempt ${attempt} failed: ${why}; ${when}${kept}`;
}

function sourceRetryLine(event: Extract<RunEvent, { event: 'source-retry' }>): string {
  const { source, delayMs, error } = event;
  // The error at the end says more, if it comes to that.
  const why = error.httpStatus === undefined ? error.code : `status ${error.httpStatus}`;
  return `asking ${shown(source)} again in ${formatAbout(delayMs)} (${why})`;
}

/** What went wrong, to be shown beside its file: without the file or its address at the beginning. */
function messageOf(of: { readonly file: string; readonly error: ErrorRecord }): string {
  const { message, url = '' } = of.error;
  const places = [`${of.file}: `, `${of.file} `, `${url}: `];
  return message.slice(places.find((place) => message.startsWith(place))?.length ?? 0);
}

function fromOf(source: string | undefined): string {
  return source === undefined ? '' : ` from ${source}`;
}

/** `still downloading: 12 of 82 files, 23%, 10.1 GB of about 45.1 GB, 5.1 MB/s, about 1.8 h left` */
function heartbeatLine(state: RunState, at: Position): string {
  if (state.listing !== null) return `still ${listingOf(state.listing)}`;
  const parts = [
    filesOf(state),
    at.fraction === null ? '' : percentOf(at.fraction),
    amountOf(at),
    paceOf(at),
    leftOf(at),
  ];
  return `still ${DOING[at.phase]}: ${parts.filter((part) => part !== '').join(', ')}`;
}
