import { type IndexRow, placeOf } from '../labels/join.ts';
import { SPLIT_LABELS, splitBitsOf } from '../labels/split-labels.ts';
import { count, toPrintable } from '../text.ts';
import { type Html, markup } from './html.ts';
import type { PickedImage, PickedOfLabel } from './image-sample.ts';
import type { ReportData, Section } from './section.ts';
import { spell } from './spell.ts';
import { renderTable } from './table.ts';

/** A few images of each finding. */
export function renderSheet(data: ReportData): readonly Section[] {
  const { picked, looks } = data;
  if (picked.byLabel.length === 0) return [];
  const how =
    looks === undefined
      ? 'They are shown from where they lie: the package sharp is not installed, which makes thumbnails. Images in archives that are not extracted have their names alone.'
      : 'Each opens the image itself, where it is extracted.';
  const body = markup`<p>Images of each finding, each of another patient, picked as by chance: the same ones every time. ${how}</p>
${picked.byLabel.map((group) => renderGroup(group, data))}
${renderUnseen(data)}`;
  return [{ id: 'sheet', title: 'Contact sheet', body }];
}

function renderGroup({ label, images }: PickedOfLabel, data: ReportData): Html {
  const tiles = images.map((image) => renderTile(image, data));
  return markup`<h3>${spell(label)}</h3>
<ul class="sheet">
${tiles}</ul>
`;
}

function renderTile({ row, found }: PickedImage, { looks, addressOf }: ReportData): Html {
  const place = toPrintable(placeOf(row));
  const address = found.archive.packed === undefined ? addressOf(row) : undefined;
  const source = looks === undefined ? address : looks.seen.get(row.path)?.thumbnail;
  // What the page holds itself need not wait for anything.
  const lazy = looks === undefined ? markup` loading="lazy"` : '';
  const picture =
    source === undefined
      ? markup`<span class="none">${looks === undefined ? 'in its archive' : 'not readable'}</span>`
      : markup`<img src="${source}" alt="${describe(row)}"${lazy}>`;
  const tile = address === undefined ? picture : markup`<a href="${address}">${picture}</a>`;
  return markup`<li>${tile}<span>${place}</span></li>\n`;
}

/** What the labels say that the image shows. */
function describe(row: IndexRow): string {
  const { has } = splitBitsOf(row);
  const labels = SPLIT_LABELS.filter((_, bit) => (has & (1 << bit)) !== 0);
  return `${labels.map(spell).join(', ')}: ${toPrintable(row.image)}`;
}

function renderUnseen({ looks }: ReportData): Html {
  const unseen = [...(looks?.unseen ?? [])];
  if (unseen.length === 0) return markup``;
  const title = `${count(unseen.length, 'picked image')} that could not be read or decoded`;
  const rows = unseen.map(([path, why]) => [toPrintable(path), why]);
  return renderTable({ caption: title, columns: ['image', 'why'], rows });
}
