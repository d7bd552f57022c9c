import type { SplitPart } from '../../labels/split-balance.ts';
import { splitDataset } from '../../split/split-dataset.ts';
import type { SplitResult } from '../../split/types.ts';
import { count, formatCount, toPrintable } from '../../text.ts';
import { type CommandContext, type CommandOutcome, runOptionsOf } from '../command.ts';
import { joinParts } from '../render-outcomes.ts';
import type { View } from '../view.ts';

export async function runSplit(context: CommandContext): Promise<CommandOutcome> {
  const { ratios, folds, holdout, stratify, seed, name, force, dryRun } = context.settings;
  const run = await runOptionsOf(context);
  const plan = { ratios, folds, holdout, stratify, seed, name, force, dryRun };
  const result = await splitDataset({ ...run, ...plan });
  const { images, patients, parts } = result;
  return {
    result,
    counts: { images, patients, parts: parts.length },
    errors: [],
    render: (view) => `${renderSplit(result, view)}${dryRun ? '\nnothing was written\n' : ''}`,
    isStatusOnly: !dryRun,
  };
}

function renderSplit(result: SplitResult, view: View): string {
  const { path, images, patients, seed, parts } = result;
  const of = `${count(images, 'image')} of ${count(patients, 'patient')}`;
  const head = `${toPrintable(path, 4096)}: ${of}, seed ${toPrintable(seed, 80)}\n`;
  return joinParts([
    `${view.style.bold('split')}  ${head}`,
    renderSizes(parts, view),
    renderLabels(parts, view),
    result.stratified ? view.prose(describeCost(result)) : '',
  ]);
}

function describeCost({ moved, patients }: SplitResult): string {
  const of = patients === 0 ? 0 : moved / patients;
  return (
    `stratified: ${count(moved, 'patient is', 'patients are')} in another part than without (${percent(of)}); ` +
    'when archives are added, patients may move to another part\n'
  );
}

function renderSizes(parts: readonly SplitPart[], view: View): string {
  const all = parts.reduce((sum, { patients }) => sum + patients, 0);
  return view.table(
    ['part', { right: 'images' }, { right: 'patients' }, { right: 'share' }],
    parts.map(({ part, images, patients }) => [
      part,
      formatCount(images),
      formatCount(patients),
      all === 0 ? '' : percent(patients / all),
    ]),
  );
}

/** Images of one patient are alike: it is patients that are counted. */
function renderLabels(parts: readonly SplitPart[], view: View): string {
  const labels = parts[0]?.labels ?? [];
  if (labels.length === 0) return '';
  const table = view.table(
    ['label', ...parts.map(({ part }) => ({ right: part }))],
    labels.map(({ label }, at) => [label, ...parts.map((part) => cellOf(part.labels[at]))]),
  );
  return `patients with each label, of those whose labels are known, with the 95 % confidence interval\n${table}`;
}

function cellOf(of: SplitPart['labels'][number] | undefined): string {
  if (of === undefined || of.share === null) return '';
  return `${percent(of.share)} (${percent(of.low ?? 0)} to ${percent(of.high ?? 1)})`;
}

/** `12.3 %`; small shares with a digit more. */
function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`;
}
