import type { Phase } from '../events.ts';
import { formatAbout, formatBytes, formatSpeed } from '../text.ts';
import { type FileInWork, type Position, type RunState, SILENT_MS } from './progress-state.ts';
import {
  PHASE_WORDS,
  amountOf,
  filesOf,
  leftOf,
  listingOf,
  paceOf,
  percentOf,
} from './progress-words.ts';
import type { ByPhase } from './time-left.ts';
import type { Style } from './view.ts';

/** What a terminal can show. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /** Block characters. */
  readonly unicode: boolean;
  readonly style: Style;
}

/** Below this there is no room for a bar. */
const LEAST = { columns: 24, rows: 5 };
/**
 * What is drawn of a run: a bar and a line for the whole, a line for each file in work. Each line has fewer
 * columns than the terminal, so that none is wrapped, and there are fewer lines than it has rows.
 */
export function screenLines(state: RunState, nowMs: number, screen: Screen): readonly string[] {
  const at = state.position(nowMs);
  const width = Math.max(1, screen.columns - 1);
  const room = screen.rows - 1;
  if (screen.columns < LEAST.columns || screen.rows < LEAST.rows) {
    return [summaryLine(at, state, width)];
  }
  const head = [...barLines(at, width, screen), summaryLine(at, state, width)];
  const files = state.filesInWork(nowMs);
  const fits = head.length + files.length <= room;
  const shown = fits ? files : files.slice(0, Math.max(0, room - head.length - 1));
  const more = fits ? [] : [`and ${files.length - shown.length} more`];
  return [...head, ...fileLines(shown, width, screen.style), ...more];
}

const COLORS: ByPhase<'cyan' | 'magenta' | 'green'> = {
  download: 'cyan',
  hash: 'magenta',
  check: 'magenta',
  extract: 'green',
  export: 'green',
};

function barLines(
  { fraction, phase, waitMs }: Position,
  width: number,
  { unicode, style }: Screen,
): readonly string[] {
  if (fraction === null) return [];
  const percent = percentOf(fraction).padStart(4);
  const length = width - 2 - 1 - percent.length;
  const bar = unicode ? blockBar(fraction, length) : asciiBar(fraction, length);
  const color = style[waitMs === null ? COLORS[phase] : 'yellow'];
  const [left, right] = unicode ? ['▕', '▏'] : ['[', ']'];
  return [`${left}${color(bar)}${right} ${percent}`];
}

/** By a number of eighths. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

function blockBar(fraction: number, length: number): string {
  const eighths = Math.floor(fraction * length * 8);
  const full = Math.floor(eighths / 8);
  return ('█'.repeat(full) + (EIGHTHS[eighths % 8] ?? '')).padEnd(length);
}

function asciiBar(fraction: number, length: number): string {
  return '='.repeat(Math.floor(fraction * length)).padEnd(length);
}

function summaryLine(at: Position, state: RunState, width: number): string {
  const { listing } = state;
  if (listing !== null) {
    const short = 'files' in listing ? listing.files : `${listing.listed}/${listing.archives}`;
    return firstThatFits(width, [[listingOf(listing)], [String(short)]]);
  }
  const isOfImages = state.imagesInAll !== null;
  const done = isOfImages ? state.imagesDone : state.filesDone;
  const all = state.imagesInAll ?? state.filesInAll;
  const files = filesOf(state);
  const short = all === null ? `${done}` : `${done}/${all}`;
  const percent = at.fraction === null ? '' : percentOf(at.fraction);
  const pace = paceOf(at);
  const left = leftOf(at);
  return firstThatFits(width, [
    [files, amountOf(at), pace, left],
    [files, pace, left],
    [files, left === '' ? pace : left],
    [short, percent, left],
    [short, percent],
  ]);
}

function firstThatFits(width: number, lines: readonly (readonly string[])[]): string {
  const joined = lines.map((parts) => parts.filter((part) => part !== '').join('  '));
  return joined.find((line) => line.length <= width) ?? (joined.at(-1) ?? '').slice(0, width);
}

interface Row {
  readonly name: string;
  readonly phase: string;
  readonly percent: string;
  readonly bytes: string;
  readonly pace: string;
  readonly color: (typeof COLORS)[Phase] | 'yellow';
}

type Column = Exclude<keyof Row, 'color'>;

/** As wide as what is usual in them, so that they stay where they are while numbers change. */
const USUAL: Readonly<Record<Column, number>> = {
  name: 0,
  phase: 8,
  percent: 4,
  bytes: 16,
  pace: 13,
};
/** Longer names are cut before a column is left out. */
const NAME_COLUMNS = 12;
/** What a narrower terminal leaves out. */
const COLUMNS: readonly (readonly Column[])[] = [
  ['name', 'phase', 'percent', 'bytes', 'pace'],
  ['name', 'phase', 'percent', 'pace'],
  ['name', 'percent', 'pace'],
  ['name', 'percent'],
];

function fileLines(files: readonly FileInWork[], width: number, style: Style): readonly string[] {
  const rows = files.map(rowOf);
  const widthOf = (column: Column) =>
    Math.max(USUAL[column], ...rows.map((row) => row[column].length));
  const besideName = (columns: readonly Column[]) =>
    columns.slice(1).reduce((sum, column) => sum + 2 + widthOf(column), 0);
  const needed = Math.min(NAME_COLUMNS, widthOf('name'));
  const columns = COLUMNS.find((each) => needed + besideName(each) <= width) ?? ['name'];
  const nameWidth = Math.max(1, Math.min(widthOf('name'), width - besideName(columns)));
  return rows.map((row) => {
    const cells = columns.map((column) => {
      const text = row[column];
      if (column === 'name') return text.slice(0, nameWidth).padEnd(nameWidth);
      if (column === 'phase') return style[row.color](text.padEnd(widthOf(column)));
      return column === 'pace' ? text : text.padStart(widthOf(column));
    });
    return cells.join('  ').trimEnd();
  });
}

function rowOf(file: FileInWork): Row {
  const { doneBytes, totalBytes, phase } = file;
  const done = formatBytes(doneBytes);
  const isWaiting = file.waitMs !== null || isSilent(file);
  return {
    name: file.file,
    phase: isWaiting ? 'waiting' : PHASE_WORDS[phase],
    percent: totalBytes === null ? '' : percentOf(fractionOf(doneBytes, totalBytes)),
    bytes: totalBytes === null ? done : `${done} of ${formatBytes(totalBytes)}`,
    pace: filePace(file),
    color: isWaiting ? 'yellow' : COLORS[phase],
  };
}

function fractionOf(done: number, total: number): number {
  return total <= 0 ? 1 : Math.min(1, Math.max(0, done / total));
}

function filePace(file: FileInWork): string {
  const { waitMs, silentMs, bytesPerSecond } = file;
  if (waitMs !== null) return `again in ${formatAbout(waitMs)}`;
  if (isSilent(file)) return `no bytes, ${formatAbout(silentMs)}`;
  return bytesPerSecond > 0 ? formatSpeed(bytesPerSecond) : '';
}

function isSilent({ phase, silentMs }: FileInWork): boolean {
  return phase === 'download' && silentMs >= SILENT_MS;
}
