import { formatCount, percent } from '../text.ts';
import { type Html, markup } from './html.ts';

/** What is shown, and what it is sorted by. */
export interface NumberCell {
  readonly text: string;
  readonly value: number;
}

export type Cell = string | number | NumberCell;

/** A table for people and for the script that sorts it; the first cell of a row names the row. */
export interface Table {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** It may be wider than a phone: then it is scrolled, with the keyboard too. */
export function renderTable({ caption, columns, rows }: Table): Html {
  const isNumber = columns.map((_, at) => rows.some((row) => typeof row[at] !== 'string'));
  const heads = columns.map((column, at) => {
    const kind = isNumber[at] === true ? markup` class="number"` : '';
    return markup`<th scope="col"${kind}>${column}</th>`;
  });
  const body = rows.map(([first = '', ...rest]) => {
    const cells = rest.map((cell, at) => renderCell(cell, isNumber[at + 1] === true));
    return markup`<tr>${renderHead(first)}${cells}</tr>\n`;
  });
  return markup`<figure>
    <figcaption>${caption}</figcaption>
    <div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table aria-label="${caption}">
      <thead><tr>${heads}</tr></thead>
      <tbody>
${body}</tbody>
    </table>
    </div>
  </figure>`;
}

/** Longer ones are broken into lines. */
const LONG = 40;

function renderHead(cell: Cell): Html {
  if (typeof cell === 'string') {
    const kind = cell.length > LONG ? markup` class="long"` : '';
    return markup`<th scope="row"${kind}>${cell}</th>`;
  }
  const { text, value } = toNumberCell(cell);
  return markup`<th scope="row" class="number" data-value="${value}">${text}</th>`;
}

function renderCell(cell: Cell, isNumber: boolean): Html {
  if (typeof cell === 'string') {
    return isNumber ? markup`<td class="number">${cell}</td>` : markup`<td>${cell}</td>`;
  }
  const { text, value } = toNumberCell(cell);
  return markup`<td class="number" data-value="${value}">${text}</td>`;
}

function toNumberCell(cell: number | NumberCell): NumberCell {
  return typeof cell === 'number' ? { text: formatCount(cell), value: cell } : cell;
}

/** `12.3 %`; small shares with a digit more. Nothing of nothing. */
export function shareCell(hits: number, of: number): Cell {
  if (of === 0) return '';
  return { text: percent(hits / of), value: hits / of };
}
