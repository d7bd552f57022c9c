import type { Phase, PhaseProgress, RunEvent } from '../events.ts';
import { count, formatBytes, formatCount, formatDuration } from '../text.ts';
import type { Position, RunState } from './progress-state.ts';
import { shown, withoutFile } from './render-error.ts';
import type { View } from './view.ts';

const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  download: 'download',
  hash: 'check',
  extract: 'extract',
  check: 'check',
};
const DOING: Readonly<Record<Phase, string>> = {
  download: 'downloading',
  hash: 'checking',
  extract: 'extracting',
  check: 'checking',
};

/** What an event is worth as a line of its own; undefined where it only moves a bar. */
export function lineOf(
  event: RunEvent,
  state: RunState,
  view: { readonly verbose: boolean; readonly style: View['style'] },
): string | undefined {
  const { verbose, style } = view;
  if (state.isRepetition && !verbose) return undefined;
  switch (event.event) {
    case 'plan':
      return planLine(event);
    case 'file-done':
      return fileDoneLine(event, state, view);
    case 'retry': {
      const { file, attempt, error, delayMs, keptBytes } = event;
      const kept = keptBytes > 0 ? `; ${formatBytes(keptBytes)} kept` : '';
      return `${file}: attempt ${attempt} failed: ${shown(error.message)}; again in ${formatDuration(delayMs)}${kept}`;
    }
    case 'source-left':
      return shown(`${event.file}: left ${event.source}: ${event.error.message}`);
    case 'warning': {
      const { file, message } = event;
      const about = file === undefined || message.includes(file) ? '' : `${file}: `;
      return `${style.yellow('warning:')} ${shown(about + message)}`;
    }
    case 'index-written':
      return `${shown(event.path)}: ${count(event.rows, 'row')} written`;
    case 'phase-start':
      if (event.phase === 'download' && event.doneBytes > 0) {
        return `${event.file}: goes on at ${formatBytes(event.doneBytes)}`;
      }
      if (event.uselessBytes !== undefined) {
        return `${event.file}: starts over: the ${formatBytes(event.uselessBytes)} here came from another server`;
      }
      return verbose ? `${event.file}: ${DOING[event.phase]}${fromOf(event.source)}` : undefined;
    case 'phase-done': {
      const md5 = event.md5 === undefined ? '' : `, MD5 ${event.md5}`;
      const members = event.members === undefined ? '' : `, ${count(event.members, 'member')}`;
      const bytes = formatBytes(event.bytes);
      return verbose
        ? `${event.file}: ${PHASE_WORDS[event.phase]} done, ${bytes}${members}${md5}`
        : undefined;
    }
    case 'progress':
      return undefined;
  }
}

function planLine(plan: Extract<RunEvent, { event: 'plan' }>): string {
  const parts = [count(plan.files, 'file')];
  if (plan.alreadyDone > 0) parts.push(`${formatCount(plan.alreadyDone)} done already`);
  if (plan.toDownload > 0) {
    parts.push(
      `${formatCount(plan.toDownload)} to download (about ${formatBytes(plan.bytesToDownload)})`,
    );
  }
  if (plan.toExtract > 0) parts.push(`${formatCount(plan.toExtract)} to extract`);
  const free = plan.bytesFreeOnDisk === null ? '' : `, ${formatBytes(plan.bytesFreeOnDisk)} free`;
  const needed = `about ${formatBytes(plan.bytesNeededOnDisk)} needed${free}`;
  // On a line of its own: both together are wider than a common terminal.
  const disk = plan.bytesNeededOnDisk > 0 ? `\n      disk: ${needed}` : '';
  return `plan: ${parts.join('; ')}${disk}`;
}

function fileDoneLine(
  event: Extract<RunEvent, { event: 'file-done' }>,
  state: RunState,
  { verbose, style }: { readonly verbose: boolean; readonly style: View['style'] },
): string | undefined {
  const { file, status, check, error } = event;
  // What was there already is no news; the summary counts it.
  if (status === 'present' && !verbose) return undefined;
  const all = state.filesInAll;
  const number = all === null ? '' : `[${state.filesDone}/${Math.max(all, state.filesDone)}] `;
  const why = error === undefined ? '' : `: ${withoutFile(error.message, file)}`;
  const how = check === undefined || check === status ? status : `${status}, ${check}`;
  const word = error === undefined ? style.green(how) : style.red(status);
  return `${number}${file}: ${word}${why}`;
}

function fromOf(source: string | undefined): string {
  return source === undefined ? '' : ` from ${source}`;
}

/** `still downloading: 3 files, 1.2 GB of about 30.0 GB, 5.1 MB/s` */
export function heartbeatLine(state: RunState, nowMs: number): string {
  const at = state.position(nowMs);
  const parts = [count(state.inFlight.length, 'file'), amount(at)];
  parts.push(at.bytesPerSecond > 0 ? `${formatBytes(at.bytesPerSecond)}/s` : 'no bytes just now');
  return `still ${DOING[at.phase]}: ${parts.join(', ')}`;
}

function amount({ doneBytes, totalBytes }: Position): string {
  const of = totalBytes === null ? '' : ` of about ${formatBytes(totalBytes)}`;
  return `${formatBytes(doneBytes)}${of}`;
}

/** The line of all files together; at most `width` - 1 columns, so that no terminal wraps it. */
export function totalBar(state: RunState, nowMs: number, width: number): string {
  const at = state.position(nowMs);
  const all = state.filesInAll;
  const done = state.filesDone;
  const files = all === null ? `${count(done, 'file')} done` : `${done} of ${count(all, 'file')}`;
  const short = all === null ? `${done}` : `${done}/${all}`;
  const rate = `${formatBytes(at.bytesPerSecond)}/s`;
  const left =
    at.totalBytes === null || at.bytesPerSecond <= 0
      ? ''
      : `  about ${formatDuration(((at.totalBytes - at.doneBytes) * 1000) / at.bytesPerSecond)} left`;
  const percent = at.totalBytes === null ? '' : `  ${percentOf(at.doneBytes, at.totalBytes)}`;
  return firstThatFits(width, [
    `${files}  ${amount(at)}${percent}  ${rate}${left}`,
    `${files}  ${amount(at)}  ${rate}`,
    `${short}${percent}  ${rate}`,
    `${short}${percent}`,
  ]);
}

/** With the longest amounts the whole line is within the 79 columns of a common terminal. */
const BAR_LENGTH = 20;

/** The line of one file in work; at most `width` - 1 columns. */
export function fileBar(at: PhaseProgress, width: number): string {
  const { file, phase, doneBytes, totalBytes } = at;
  const name = file.padEnd(18);
  const word = PHASE_WORDS[phase].padEnd(8);
  const done = formatBytes(doneBytes);
  if (totalBytes === null) {
    return firstThatFits(width, [`${name}  ${word}  ${done}`, `${file}  ${done}`, file]);
  }
  const percent = percentOf(doneBytes, totalBytes);
  const bar = barOf(doneBytes, totalBytes, BAR_LENGTH);
  const room = Math.max(1, width - 2 - percent.length);
  return firstThatFits(width, [
    `${name}  ${word}  [${bar}]  ${percent}  ${done} of ${formatBytes(totalBytes)}`,
    `${name}  ${word}  ${percent}  ${done}`,
    `${file}  ${percent}`,
    `${file.slice(0, room)} ${percent}`,
  ]);
}

function firstThatFits(width: number, lines: readonly string[]): string {
  const most = Math.max(1, width - 1);
  return lines.find((line) => line.length <= most) ?? (lines.at(-1) ?? '').slice(0, most);
}

function fractionOf(done: number, total: number): number {
  return total <= 0 ? 1 : Math.min(1, Math.max(0, done / total));
}

/** Rounded down: 100 % is only said of a file that is whole. */
function percentOf(done: number, total: number): string {
  return `${Math.floor(fractionOf(done, total) * 100)}%`.padStart(4);
}

function barOf(done: number, total: number, length: number): string {
  const full = Math.floor(fractionOf(done, total) * length);
  return '='.repeat(full) + ' '.repeat(length - full);
}
