export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
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
