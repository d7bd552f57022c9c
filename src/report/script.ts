/**
 * Makes the tables of a report sortable: without it they are as they were written. Numbers are sorted by
 * `data-value`, the largest first; what has none comes last.
 */
export const SCRIPT = `
for (const table of document.querySelectorAll('table')) {
  const body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => sort(body, heads, at));
  });
}
function sort(body, heads, at) {
  const head = heads[at];
  const isNumber = head.classList.contains('number');
  const before = head.getAttribute('aria-sort');
  const down = before === null ? isNumber : before === 'ascending';
  for (const each of heads) each.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
  const keyed = [...body.rows].map((row) => {
    const cell = row.cells[at];
    const value = cell.dataset.value;
    return { row, value: value === undefined ? null : Number(value), text: cell.textContent };
  });
  const sign = down ? -1 : 1;
  keyed.sort((a, b) => {
    if (!isNumber) return sign * a.text.localeCompare(b.text, 'en', { numeric: true });
    if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
    return sign * (a.value - b.value);
  });
  body.append(...keyed.map(({ row }) => row));
}
`;
