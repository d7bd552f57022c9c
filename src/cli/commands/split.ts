import { parse } from 'node:path';
import { CcxriError, type NextStep } from '../../errors.ts';
import type { Examples } from '../../labels/label-names.ts';
import type { SplitPart } from '../../labels/split-balance.ts';
import { checkSplit } from '../../split/check-split.ts';
import { splitDataset } from '../../split/split-dataset.ts';
import type { SplitCheck, SplitResult } from '../../split/types.ts';
import { count, formatCount, percent, toPrintable } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  runOptionsOf,
  strictErrors,
} from '../command.ts';
import { joinParts, renderRemarks } from '../render-outcomes.ts';
import type { View } from '../view.ts';

export async function runSplit(context: CommandContext): Promise<CommandOutcome> {
  const { ratios, folds, holdout, stratify, seed, name } = context.settings;
  const { force, addToIndex, dryRun, check, strict } = context.settings;
  if (check.length > 0) return runCheck(context, strict);
  const run = await runOptionsOf(context);
  const plan = { ratios, folds, holdout, stratify, seed, name, force, addToIndex, dryRun };
  const result = await splitDataset({ ...run, ...plan });
  const { images, patients, parts, index } = result;
  return {
    result,
    counts: { images, patients, parts: parts.length },
    errors: index === undefined ? [] : strictErrors(context, [], index),
    render: (view) => `${renderResult(result, view)}${dryRun ? '\nnothing was written\n' : ''}`,
    isStatusOnly: !dryRun,
  };
}

function renderResult(result: SplitResult, view: View): string {
  const { path, images, patients, seed, parts } = result;
  const of = `${count(images, 'image')} of ${count(patients, 'patient')}`;
  const head = `${toPrintable(path, 4096)}: ${of}, seed ${toPrintable(seed, 80)}\n`;
  return joinParts([
    `${view.style.bold('split')}  ${head}`,
    renderSizes(parts, view),
    renderLabels(parts, view),
    result.stratified ? view.prose(describeCost(result)) : '',
    renderWritten(result, view),
  ]);
}

function renderWritten({ index, path }: SplitResult, view: View): string {
  if (index === undefined) return '';
  const head = `${toPrintable(index.path, 4096)}: ${count(index.rows, 'row')}, with the column ${parse(path).name}\n`;
  return `${view.style.bold('index')}  ${head}${renderRemarks(index, view)}`;
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

async function runCheck(context: CommandContext, strict: boolean): Promise<CommandOutcome> {
  const { check: files } = context.settings;
  const result = await checkSplit({ ...(await runOptionsOf(context)), files });
  const { images, patients, parts, leaks } = result;
  return {
    result,
    counts: { images, patients, parts: parts.length },
    errors: leaks && strict ? [leakError(result)] : [],
    render: (view) => renderCheck(result, view),
    isStatusOnly: false,
  };
}

const SPLIT_ANEW: readonly NextStep[] = [
  { kind: 'run', command: 'split', purpose: 'to make one by patient' },
];

function leakError(check: SplitCheck): CcxriError {
  const message = 'the split leaks: patients are in more than one part';
  return new CcxriError('remarks', message, { reasons: leaksOf(check), next: SPLIT_ANEW });
}

function renderCheck(check: SplitCheck, view: View): string {
  const { files, images, patients, parts, leaks, unknown, inNone } = check;
  const of = `${count(images, 'image')} of ${count(patients, 'patient')} in ${count(parts.length, 'part')}`;
  const head = `${files.map((file) => toPrintable(file, 4096)).join(', ')}: ${of}\n`;
  const hint = view.suggest.hintOf({ next: SPLIT_ANEW });
  const verdict = leaks
    ? `it leaks; ${hint ?? ''}`
    : 'it does not leak: each patient is in one part alone';
  const others = [
    ...describeSome(unknown, ['image is not', 'images are not'], 'among those here'),
    ...describeSome(inNone, ['image here is', 'images here are'], 'in no part'),
  ];
  const line = (text: string) => `${view.prose(`- ${text}`, '  ')}\n`;
  return joinParts([
    `${view.style.bold('split')}  ${head}`,
    view.table(
      ['part', { right: 'images' }, { right: 'patients' }],
      parts.map((each) => [
        toPrintable(each.part, 80),
        formatCount(each.images),
        formatCount(each.patients),
      ]),
    ),
    [...leaksOf(check).map((text) => view.style.yellow(line(text))), ...others.map(line)].join(''),
    `${view.prose(verdict)}\n`,
  ]);
}

/** Pairs of parts that are shown: a thousand folds have a million. */
const MOST_PAIRS = 20;

function leaksOf({ patientsInTwoParts, imagesInTwoParts, beside }: SplitCheck): readonly string[] {
  const pairs = beside.slice(0, MOST_PAIRS).map(({ part, other, images, share }) => {
    const all = count(images, 'image is', 'images are');
    return `${toPrintable(part, 80)}: ${all} of a patient who is in ${toPrintable(other, 80)}, too: ${percent(share)} of the part`;
  });
  const more = beside.length - pairs.length;
  return [
    ...describeSome(patientsInTwoParts, ['patient is', 'patients are'], 'in more than one part'),
    ...pairs,
    ...(more > 0 ? [`and so in ${count(more, 'other pair')} of parts`] : []),
    ...describeSome(imagesInTwoParts, ['image is', 'images are'], 'in more than one part'),
  ];
}

/** `3 images are in …: a, b, …` */
function describeSome(
  { count: n, examples }: Examples,
  [one, many]: readonly [string, string],
  rest: string,
): readonly string[] {
  if (n === 0) return [];
  const shown = examples.slice(0, 2).map((each) => toPrintable(each, 120));
  const more = n > shown.length ? ', …' : '';
  return [`${count(n, one, many)} ${rest} (${shown.join(', ')}${more})`];
}
