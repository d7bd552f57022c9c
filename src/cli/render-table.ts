export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** A cell, with what may be laid around its text after it has been padded: a colour has no width. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

const GAP = '  ';

/** Columns side by side, two blanks apart; without titles where every title is empty. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const titles = columns.map(({ title }) => title);
  const lines = titles.every((title) => title === '') ? rows : [titles, ...rows];
  const widths = columns.map((_, i) => Math.max(0, ...lines.map((line) => textOf(line[i]).length)));
  return lines.map((line) => renderLine(line, columns, widths)).join('');
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
