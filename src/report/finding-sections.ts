import type { LabelShare, SplitPart } from '../labels/split-balance.ts';
import { SPLIT_LABELS } from '../labels/split-labels.ts';
import { CHOICE_LABELS } from '../labels/image-choice.ts';
import type { LabelStats } from '../labels/stats.ts';
import { percent, count, toPrintable } from '../text.ts';
import { barChart, heatMap, shareChart } from './charts.ts';
import { renderFigure } from './figure.ts';
import { type Html, markup } from './html.ts';
import type { ReportData, Section } from './section.ts';
import type { PartCounts } from './part-counts.ts';
import { spell } from './spell.ts';
import { type Cell, renderTable, shareCell } from './table.ts';

/** How frequent labels are, in all and in each subset. */
export function renderFindings({ stats, subsets }: ReportData): Section {
  const labels = stats.labels
    .filter(({ images }) => images > 0)
    .sort((a, b) => b.images - a.images);
  const body =
    labels.length === 0
      ? markup`<p>No labels are known of the images that are here.</p>`
      : markup`${renderCounts(labels)}
        ${renderShares('subsets', 'Patients with each finding, by subset', subsets.parts)}`;
  return { id: 'findings', title: 'Findings', body };
}

function renderCounts(labels: readonly LabelStats[]): Html {
  return renderFigure({
    id: 'counts',
    title: 'Images with each finding',
    chart: barChart({
      names: labels.map(({ label }) => spell(label)),
      series: [{ name: 'images', values: labels.map(({ images }) => images) }],
    }),
    table: {
      caption: 'Images and patients with each finding',
      columns: ['finding', 'images', 'of those known', 'patients'],
      rows: labels.map(({ label, images, known, patients }) => {
        return [spell(label), images, shareCell(images, known), patients];
      }),
    },
  });
}

const NOTE =
  'Share of the patients whose labels are known, on a logarithmic scale; the lines are 95 % confidence intervals.';

/** How frequent each label is among the patients of each part. */
function renderShares(id: string, title: string, parts: readonly SplitPart[]): Html {
  const labels = SPLIT_LABELS.filter((label) => parts.some((part) => partOf(part, label) > 0));
  const groups = parts
    .map((part) => ({ name: part.part, shares: labels.map((label) => intervalOf(part, label)) }))
    .filter(({ shares }) => shares.some((share) => share !== null));
  if (groups.length === 0) return markup``;
  return renderFigure({
    id: `${id}shares`,
    title,
    note: NOTE,
    chart: shareChart(labels.map(spell), groups),
    table: {
      caption: `${title}, with images`,
      columns: [
        'finding',
        ...parts.flatMap(({ part }) => [`${part}: patients`, `${part}: images`]),
      ],
      rows: labels.map((label) => [spell(label), ...parts.flatMap((part) => cellsOf(part, label))]),
    },
  });
}

function labelOf({ labels }: SplitPart, label: string): LabelShare | undefined {
  return labels.find((each) => each.label === label && each.known > 0);
}

function partOf(part: SplitPart, label: string): number {
  return labelOf(part, label)?.patients ?? 0;
}

function intervalOf(part: SplitPart, label: string) {
  const found = labelOf(part, label);
  if (found === undefined) return null;
  const { share, low, high } = found;
  return share === null || low === null || high === null ? null : { value: share, low, high };
}

function cellsOf(part: SplitPart, label: string): readonly Cell[] {
  const found = labelOf(part, label);
  if (found === undefined) return ['', ''];
  const { share, low, high, images } = found;
  const text = `${percent(share ?? 0)} (${percent(low ?? 0)} to ${percent(high ?? 1)})`;
  return [{ text, value: share ?? 0 }, images];
}

/** The parts of each split. */
export function renderSplits({ splits, notSplits }: ReportData): readonly Section[] {
  if (splits.length + notSplits.length === 0) return [];
  const others =
    notSplits.length === 0
      ? ''
      : markup`<p class="note">
          Left out, since no split of ccxri is in it:
          ${notSplits.map((name) => toPrintable(name, 120)).join(', ')}
        </p>`;
  const body = markup`${splits.map(renderSplit)}${others}`;
  return [{ id: 'splits', title: 'Splits', body }];
}

function renderSplit(split: PartCounts & { readonly name: string }, at: number): Html {
  const { name, parts, inNone, inTwo } = split;
  const all = parts.reduce((sum, { patients }) => sum + patients, 0);
  const leak =
    inTwo === 0
      ? markup`<p>No patient is in two parts.</p>`
      : markup`<p class="bad">
          ${count(inTwo, 'patient is', 'patients are')} in two parts or more: the split leaks.
        </p>`;
  const rest =
    inNone === 0
      ? ''
      : markup`<p>${count(inNone, 'image is', 'images are')} in none of its parts.</p>`;
  return markup`<h3>${name}</h3>
    ${leak}${rest}
    ${renderTable({
      caption: `Parts of ${name}`,
      columns: ['part', 'images', 'patients', 'share of the patients'],
      rows: parts.map(({ part, images, patients }) => [
        part,
        images,
        patients,
        shareCell(patients, all),
      ]),
    })}
    ${renderShares(`split${at}`, `Patients with each finding, by part of ${name}`, parts)}`;
}

/** Which labels are met together. */
export function renderTogether({ stats }: ReportData): readonly Section[] {
  const counts = new Map(stats.labels.map(({ label, images }) => [label, images]));
  const imagesOf = (label: (typeof CHOICE_LABELS)[number]) => counts.get(label) ?? 0;
  const { pairs } = stats;
  const labels = CHOICE_LABELS.filter((label) =>
    pairs.some((pair) => pair.label === label || pair.other === label),
  );
  if (labels.length === 0) return [];
  const cells = pairs.flatMap(({ label, other, images }) => {
    const [row, column] = [labels.indexOf(label), labels.indexOf(other)];
    return [
      { row, column, share: images / imagesOf(label) },
      { row: column, column: row, share: images / imagesOf(other) },
    ];
  });
  const body = renderFigure({
    id: 'heat',
    title: 'Findings that are met together',
    note: 'Of the images with the finding of the row, how many in a hundred have that of the column, too.',
    isWide: true,
    chart: heatMap(labels.map(spell), cells),
    table: {
      caption: 'Images with two findings',
      columns: ['finding', 'and', 'images', 'of the first', 'of the second'],
      rows: [...pairs]
        .sort((a, b) => b.images - a.images)
        .map(({ label, other, images }) => [
          ...[spell(label), spell(other), images],
          ...[shareCell(images, imagesOf(label)), shareCell(images, imagesOf(other))],
        ]),
    },
  });
  return [{ id: 'together', title: 'Findings together', body }];
}
