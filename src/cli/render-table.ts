export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right' | undefined;
}

/** A cell, with what may be laid around its text after it has been padded: a colour has no width. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

const GAP = '  ';

/**
 * Columns side by side, two blanks apart; without titles where every title is empty. Where that is
 * wider than `width` (a narrow terminal), each row as a few lines instead.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): string {
  const titles = columns.map(({ title }) => title);
  const lines = titles.every((title) => title === '') ? rows : [titles, ...rows];
  const widths = columns.map((_, i) => Math.max(0, ...lines.map((line) => textOf(line[i]).length)));
  const total = widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1));
  if (total > width) return rows.map((row) => renderStacked(row, columns)).join('');
  return lines.map((line) => renderLine(line, columns, widths)).join('');
}

/** The first cell as a headline, the others below it with their titles. */
function renderStacked(row: readonly Cell[], columns: readonly Column[]): string {
  const lines = columns.flatMap(({ title }, i) => {
    const text = paint(row[i]);
    if (text === '') return [];
    if (i === 0) return [text];
    return [title === '' ? `  ${text}` : `  ${title}: ${text}`];
  });
  return lines.map((line) => `${line}\n`).join('');
}

function renderLine(
  line: readonly Cell[],
  columns: readonly Column[],
  widths: readonly number[],
): string {
  const cells = columns.map(({ align }, i) => {
    const text = textOf(line[i]);
    const blanks = ' '.repeat((widths[i] ?? 0) - text.length);
    const painted = paint(line[i]);
    return align === 'right' ? blanks + painted : painted + blanks;
  });
  return `${cells.join(GAP).trimEnd()}\n`;
}

function textOf(cell: Cell | undefined): string {
  return typeof cell === 'object' ? cell.text : (cell ?? '');
}

function paint(cell: Cell | undefined): string {
  return typeof cell === 'object' ? cell.paint(cell.text) : (cell ?? '');
}

/** Never narrower than this: below it the terminal's own wrapping is no worse. */
const LEAST_WIDTH = 40;

/**
 * Prose in lines of at most `width` columns, broken at blanks; the further lines are indented. What
 * stands in backticks is to be copied, and stays in one piece, however wide it is.
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

/** A word with the blanks behind it; a command in backticks counts as one, with what clings to it. */
const PIECES = /^ +|(?:`[^`]*`|[^ `]|`)+ */g;

/** Colours have no width. */
function columnsOf(text: string): number {
  return text.replace(/\u001b\[\d+m/g, '').length;
}

/** The few colours of the terminal. Without colour each gives the text as it is. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

const plain = (text: string) => text;
const wrap = (open: number, close: number) => (text: string) =>
  text === '' ? '' : `\u001b[${open}m${text}\u001b[${close}m`;

const COLORS: Style = {
  bold: wrap(1, 22),
  dim: wrap(2, 22),
  red: wrap(31, 39),
  green: wrap(32, 39),
  yellow: wrap(33, 39),
};

const PLAIN: Style = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain };

export function styleOf({ color }: { readonly color: boolean }): Style {
  return color ? COLORS : PLAIN;
}
