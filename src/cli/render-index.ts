import { describeFinding } from '../labels/describe-finding.ts';
import type { IndexResult } from '../labels/build-index.ts';
import { count, formatCount, toPrintable } from '../text.ts';
import type { View } from './io.ts';
import { joinParts } from './render-outcomes.ts';
import { renderTable } from './render-table.ts';
import { styleOf } from './style.ts';

/** What an index holds, per class, and what does not add up in it. */
export function renderIndex(index: IndexResult, view: View): string {
  const { path, rows, archives, classes, rowsWithFindings } = index;
  const head = `${toPrintable(path, 4096)}: ${count(rows, 'row')}, ${count(archives.length, 'archive')}\n`;
  const { none, ...named } = classes;
  const lines = [...Object.entries(named), ['without a class', none] as const];
  const shown = lines.filter(([, images]) => images > 0);
  const table = renderTable(
    [{ title: 'class' }, { title: 'images', align: 'right' }],
    shown.map(([name, images]) => [name, formatCount(images)]),
    view.width,
  );
  const known = `${formatCount(rowsWithFindings)} of ${count(rows, 'image')} with the 14 findings\n`;
  return joinParts([
    `${styleOf(view).bold('index')}  ${head}`,
    `${table}${rowsWithFindings > 0 ? known : ''}`,
    renderFindings(index, view),
  ]);
}

function renderFindings({ findings, rowsOfAbsentArchives }: IndexResult, view: View): string {
  const { yellow } = styleOf(view);
  const lines = findings.map((finding) => {
    const text = `- ${describeFinding(finding)}`;
    return finding.strict ? yellow(text) : text;
  });
  if (rowsOfAbsentArchives > 0) {
    const rows = count(rowsOfAbsentArchives, 'label row is', 'label rows are');
    lines.push(`- ${rows} of archives that are not here: not in the index`);
  }
  return lines.map((line) => `${line}\n`).join('');
}
