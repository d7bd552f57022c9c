import type { ImageStats } from '../../labels/stats.ts';
import { type StatsResult, datasetStats } from '../../stats.ts';
import { count, formatCount } from '../../text.ts';
import { renderBar } from '../bars.ts';
import { type CommandContext, type CommandOutcome, runOptionsOf } from '../command.ts';
import { hasBlocks } from '../io.ts';
import { joinParts } from '../render-outcomes.ts';
import type { View } from '../view.ts';

export async function runStats(context: CommandContext): Promise<CommandOutcome> {
  const result = await datasetStats(await runOptionsOf(context));
  const { images, patients, archives } = result;
  return {
    result,
    counts: { images, patients, archives },
    errors: [],
    render: (view) => {
      const barOf = barsFor(view, hasBlocks(context.env));
      return joinParts([
        renderHead(result),
        renderSubsets(result, view),
        renderLabels(result, view, barOf),
        renderPatients(result, view, barOf),
      ]);
    },
    isStatusOnly: false,
  };
}

type BarOf = (value: number, most: number) => string;

const BAR_WIDTH = 30;
/** What stands in front of a bar. */
const OTHER_COLUMNS = 48;

function barsFor({ width }: View, blocks: boolean): BarOf {
  const columns = Math.max(8, Math.min(BAR_WIDTH, width - OTHER_COLUMNS));
  return (value, most) => renderBar(most === 0 ? 0 : value / most, columns, blocks);
}

function renderHead({ images, patients, archives, checks, classes }: StatsResult): string {
  const { none, ...known } = classes;
  const byClass = listOf(known);
  return [
    `${count(images, 'image')} of ${count(patients, 'patient')} in ${count(archives, 'archive')}\n`,
    `checked: ${listOf(checks)}\n`,
    byClass === '' ? '' : `by class: ${listOf({ ...known, 'without one': none })}\n`,
  ].join('');
}

/** Without zeros. */
function listOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, n]) => n > 0)
    .map(([name, n]) => `${name} ${formatCount(n)}`)
    .join(', ');
}

function renderSubsets({ subsets }: ImageStats, view: View): string {
  const numbers = ['archives', 'images', 'patients'].map((right) => ({ right }));
  return view.table(
    ['subset', ...numbers, 'checked'],
    subsets.map(({ subset, archives, images, patients, checks }) => [
      subset,
      ...[archives, images, patients].map(formatCount),
      listOf(checks),
    ]),
  );
}

/** The most frequent first; the share is of the images of which the label is known. */
function renderLabels({ labels }: ImageStats, view: View, barOf: BarOf): string {
  const rows = labels
    .filter(({ images }) => images > 0)
    .map((row) => ({ ...row, share: row.images / row.known }))
    .sort((a, b) => b.share - a.share);
  if (rows.length === 0) return '';
  const most = rows[0]?.share ?? 0;
  const numbers = ['images', 'patients', 'share'].map((right) => ({ right }));
  return view.table(
    ['label', ...numbers, ''],
    rows.map(({ label, images, patients, share }) => [
      label,
      ...[images, patients].map(formatCount),
      `${(share * 100).toFixed(share < 0.0995 ? 2 : 1)} %`,
      barOf(share, most),
    ]),
  );
}

/** Numbers of images that are shown one by one; the rest is one line. */
const SHOWN = 10;

function renderPatients({ imagesPerPatient }: ImageStats, view: View, barOf: BarOf): string {
  const few = imagesPerPatient.filter(({ images }) => images <= SHOWN);
  const many = imagesPerPatient.filter(({ images }) => images > SHOWN);
  const sum = many.reduce((total, { patients }) => total + patients, 0);
  const most = many.at(-1)?.images ?? 0;
  const rows = [
    ...few.map(({ images, patients }) => ({ images: formatCount(images), patients })),
    ...(sum > 0 ? [{ images: `${SHOWN + 1} to ${formatCount(most)}`, patients: sum }] : []),
  ];
  const largest = Math.max(0, ...rows.map(({ patients }) => patients));
  return view.table(
    ['images of a patient', { right: 'patients' }, ''],
    rows.map(({ images, patients }) => [images, formatCount(patients), barOf(patients, largest)]),
  );
}
