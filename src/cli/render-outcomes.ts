import type { FileOutcome } from '../dataset/session.ts';
import type { IndexResult } from '../labels/build-index.ts';
import { describeRemark, nextOfRemark } from '../labels/describe-remark.ts';
import { count, formatCount, toPrintable } from '../text.ts';
import { type BrokenOutcome, contentChecked } from './command.ts';
import type { View } from './view.ts';

/** The label of each status, in the order in which they are shown. */
export type StatusLabels<Status extends string> = Readonly<Record<Status, string>>;

/** How many outcomes there are of each status, zeros included. */
export function countStatuses<Status extends string>(
  labels: StatusLabels<Status>,
  outcomes: readonly FileOutcome<Status>[],
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.keys(labels).map((status) => [
      status,
      outcomes.filter((outcome) => outcome.status === status).length,
    ]),
  );
}

/** How many files have each status, without zeros, in a line: `60 downloaded; 1 failed`. */
export function statusCountsLine<Status extends string>(
  labels: StatusLabels<Status>,
  outcomes: readonly FileOutcome<Status>[],
): string {
  const names: Readonly<Record<string, string>> = labels;
  return Object.entries(countStatuses(labels, outcomes))
    .flatMap(([status, n]) => (n > 0 ? [`${formatCount(n)} ${names[status] ?? status}`] : []))
    .join('; ');
}

/** How many files have each status, without zeros. */
export function renderStatusCounts<Status extends string>(
  labels: StatusLabels<Status>,
  outcomes: readonly FileOutcome<Status>[],
  view: View,
): string {
  const names: Readonly<Record<string, string>> = labels;
  const rows = Object.entries(countStatuses(labels, outcomes))
    .filter(([, n]) => n > 0)
    .map(([status, n]) => [names[status] ?? status, String(n)]);
  return view.table(['', { right: 'files' }], rows);
}

/** Images that are as published, and broken: all of them, as users want to leave them out. */
export function renderBroken(outcomes: readonly BrokenOutcome[], view: View): string {
  const broken = outcomes.flatMap(({ brokenImages }) => brokenImages);
  if (broken.length === 0) return '';
  const head = `${count(broken.length, 'image')} published empty, cut or as something else`;
  return renderSome(
    head,
    broken.map(({ path, why }) => `${path}: ${why}`),
    view,
  );
}

/** A list of which the first are shown; with `-v` all. */
export function renderSome(head: string, all: readonly string[], view: View): string {
  const shown = view.verbose ? all : all.slice(0, MOST_SHOWN);
  const more = all.length - shown.length;
  return [
    `${head}:`,
    ...shown.map((each) => `- ${toPrintable(each)}`),
    ...(more > 0 ? [`  and ${count(more, 'other')} (-v shows them)`] : []),
    '',
  ].join('\n');
}

const MOST_SHOWN = 10;

/** Of files whose published MD5 is disputed and did not match. Never called verified. */
export function renderContentChecked(
  outcomes: readonly { readonly file: string; readonly check: string | null }[],
): string {
  const files = contentChecked(outcomes).join(', ');
  if (files === '') return '';
  return `checked by content alone, not by MD5 (the published one is disputed): ${files}\n`;
}

/** Parts with an empty line between them; empty parts are left out. */
export function joinParts(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n');
}

/** What an index holds, per class, and what does not add up in it. */
export function renderIndex(index: IndexResult, view: View): string {
  const { path, rows, archives, classes, rowsWithLabels } = index;
  const head = `${toPrintable(path, 4096)}: ${count(rows, 'row')}, ${count(archives.length, 'archive')}\n`;
  const { none, ...named } = classes;
  const lines = [...Object.entries(named), ['without a class', none] as const];
  const shown = lines.filter(([, images]) => images > 0);
  const table = view.table(
    ['class', { right: 'images' }],
    shown.map(([name, images]) => [name, formatCount(images)]),
  );
  const known = `labels known for ${formatCount(rowsWithLabels)} of ${count(rows, 'image')}\n`;
  return joinParts([
    `${view.style.bold('index')}  ${head}`,
    `${table}${rowsWithLabels > 0 ? known : ''}`,
    renderRemarks(index, view),
  ]);
}

function renderRemarks(index: IndexResult, { style, suggest }: View): string {
  const { remarks, rowsOfAbsentArchives } = index;
  const lines = remarks.map((remark) => {
    const hint = suggest.hintOf({ next: nextOfRemark(remark) });
    const text = `- ${describeRemark(remark)}${hint === undefined ? '' : `; ${hint}`}`;
    return remark.strict ? style.yellow(text) : text;
  });
  if (rowsOfAbsentArchives > 0) {
    const rows = count(rowsOfAbsentArchives, 'label row is', 'label rows are');
    lines.push(`- ${rows} of archives that are not here: not in the index`);
  }
  return lines.map((line) => `${line}\n`).join('');
}
