import { Html, markup } from './html.ts';
import { type Table, renderTable } from './table.ts';

interface Figure {
  /** Letters and digits alone: what is defined in the chart gets it as a prefix, once in the page. */
  readonly id: string;
  readonly title: string;
  readonly note?: string;
  readonly chart: Html;
  /** The same numbers. */
  readonly table: Table;
  /** One below the other: the chart needs the width. */
  readonly isWide?: boolean;
}

/** A chart and the table of what it shows: who can't see the one reads the other. */
export function renderFigure({ id, title, note = '', chart, table, isWide }: Figure): Html {
  const svg = chart.text
    .replace(/zr\d+-/g, `${id}-`)
    .replace('<svg', `<svg role="img" aria-labelledby="${id}"`);
  const small = note === '' ? '' : markup`<small>${note}</small>`;
  const figure = markup`<figure>
    <figcaption id="${id}">${title}${small}</figcaption>
    ${new Html(svg)}
  </figure>`;
  const scrolled =
    isWide === true
      ? markup`<div class="sideways" tabindex="0" role="region" aria-label="${title}, as a chart">
          ${figure}
        </div>`
      : figure;
  return markup`<div class="${isWide === true ? 'wide' : 'pair'}">
    ${scrolled} ${renderTable(table)}
  </div>
`;
}
