import { type Suggest, suggestFor } from './next-steps.ts';
import type { RawOptions } from './options.ts';

/** A column's title; numbers are aligned on the right. */
export type Column = string | { readonly right: string };

/**
 * A few of the 16 colours of every terminal, those that can be read on a light and on a dark background.
 * Without colour each gives the text as it is.
 */
export interface Style {
  readonly bold: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly magenta: (text: string) => string;
  readonly cyan: (text: string) => string;
}

const wrap = (open: number, close: number) => (text: string) =>
  text === '' ? '' : `\u001b[${open}m${text}\u001b[${close}m`;
const plain = (text: string) => text;

const COLORS: Style = {
  bold: wrap(1, 22),
  red: wrap(31, 39),
  green: wrap(32, 39),
  yellow: wrap(33, 39),
  magenta: wrap(35, 39),
  cyan: wrap(36, 39),
};
const PLAIN: Style = {
  bold: plain,
  red: plain,
  green: plain,
  yellow: plain,
  magenta: plain,
  cyan: plain,
};

interface ViewOptions {
  readonly width: number;
  readonly color: boolean;
  readonly verbose: boolean;
  /** The options of this run, which suggested commands repeat. */
  readonly typed?: RawOptions | undefined;
  /** The run works on a demo's directory. */
  readonly isDemo?: boolean | undefined;
}

/** How text is laid out for a stream, and the commands that it suggests. */
export class View {
  /** Columns that may be used; Infinity for pipes and files. */
  readonly width: number;
  readonly verbose: boolean;
  readonly style: Style;
  readonly suggest: Suggest;

  constructor(options: ViewOptions) {
    this.width = options.width;
    this.verbose = options.verbose;
    this.style = options.color ? COLORS : PLAIN;
    this.suggest = suggestFor(options.typed ?? {}, options.isDemo);
  }

  table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
    return renderTable(columns, rows, this.width);
  }

  prose(text: string, indent = ''): string {
    return wrapProse(text, this.width, indent);
  }
}

const GAP = '  ';

/**
 * Columns side by side, two blanks apart; without titles if every title is empty. If that is wider
 * than `width` (a narrow terminal), each row takes a few lines instead.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const titles = columns.map(titleOf);
  const lines = titles.every((title) => title === '') ? rows : [titles, ...rows];
  const widths = columns.map((_, i) => Math.max(0, ...lines.map((line) => line[i]?.length ?? 0)));
  const total = widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1));
  if (total > width) return rows.map((row) => renderStacked(row, titles)).join('');
  const pad = (cell: string, i: number) =>
    typeof columns[i] === 'string' ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
  return lines.map((line) => `${line.map(pad).join(GAP).trimEnd()}\n`).join('');
}

function titleOf(column: Column): string {
  return typeof column === 'string' ? column : column.right;
}

/** The first cell as a headline, the others below it with their titles. */
function renderStacked(row: readonly string[], titles: readonly string[]): string {
  const lines = row.flatMap((text, i) => {
    if (text === '') return [];
    if (i === 0) return [text];
    return [`  ${titles[i] === '' ? '' : `${titles[i] ?? ''}: `}${text}`];
  });
  return lines.map((line) => `${line}\n`).join('');
}

/** Never narrower than this: below it the terminal's own wrapping is no worse. */
const LEAST_WIDTH = 40;

/**
 * Prose in lines of at most `width` columns, broken at blanks; further lines are indented. Text in
 * backticks is to be copied, and stays in one piece however wide it is.
 */
export function wrapProse(text: string, width: number, indent = ''): string {
  if (width < LEAST_WIDTH || width === Infinity) return text;
  return text
    .split('\n')
    .map((line) => wrapLine(line, width, indent))
    .join('\n');
}

function wrapLine(line: string, width: number, indent: string): string {
  if (columnsOf(line) <= width) return line;
  const lines: string[] = [];
  let current = '';
  for (const piece of line.match(PIECES) ?? []) {
    if (current.trim() === '' || columnsOf((current + piece).trimEnd()) <= width) current += piece;
    else {
      lines.push(current.trimEnd());
      current = indent + piece;
    }
  }
  return [...lines, current].join('\n');
}

/** A word with the blanks behind it; a command in backticks counts as one, with what touches it. */
const PIECES = /^ +|(?:`[^`]*`|[^ `]|`)+ */g;

/** Colours have no width. */
export function columnsOf(text: string): number {
  return text.replace(/\u001b\[\d+m/g, '').length;
}
