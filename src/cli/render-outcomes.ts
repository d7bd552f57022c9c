import { isOfManyFiles } from '../errors.ts';
import type { FileOutcome } from '../dataset/run-options.ts';
import { count } from '../text.ts';
import type { View } from './io.ts';
import { briefly } from './render-error.ts';
import { renderTable } from './render-table.ts';

/** The words that a person reads for each status, in the order in which they are shown. */
export type StatusLabels<Status extends string> = Readonly<Record<Status, string>>;

/** How many outcomes there are of each status, also of those that did not come up. */
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

/** How many files came out how; what did not come up is left out. */
export function renderStatusCounts<Status extends string>(
  labels: StatusLabels<Status>,
  outcomes: readonly FileOutcome<Status>[],
  { width }: View,
): string {
  const rows = Object.entries(countStatuses(labels, outcomes))
    .filter(([, n]) => n > 0)
    .map(([status, n]) => [labelOf(labels, status), String(n)]);
  return renderTable([{ title: '' }, { title: 'files', align: 'right' }], rows, width);
}

function labelOf(labels: Readonly<Record<string, string>>, status: string): string {
  return labels[status] ?? status;
}

/**
 * Every file that is not good, with why in one line; those that a source as a whole can't give, and
 * those of another manifest, in one line together. Empty where all are good.
 */
export function renderFailed(outcomes: readonly FileOutcome<string>[], view: View): string {
  const files = new Map<string, string[]>();
  const rows = outcomes.flatMap(({ file, status, error }) => {
    if (error === undefined) return [];
    const why = briefly(error, file);
    const isAlone = view.verbose || !isOfManyFiles(error.facts) || why.includes(file);
    const key = isAlone ? file : `${status}\n${why}`;
    const alike = files.get(key);
    alike?.push(file);
    files.set(key, alike ?? [file]);
    return alike === undefined ? [{ key, status, why }] : [];
  });
  if (rows.length === 0) return '';
  const nameOf = (key: string) => {
    const [first = '', ...others] = files.get(key) ?? [];
    return others.length === 0 ? first : count(others.length + 1, 'file');
  };
  return renderTable(
    [{ title: 'file' }, { title: '' }, { title: 'why' }],
    rows.map(({ key, status, why }) => [nameOf(key), status, why]),
    view.width,
  );
}

/** Of files whose published MD5 is disputed and did not match. Never called verified. */
export function renderContentChecked(
  outcomes: readonly { readonly file: string; readonly check: string | null }[],
): string {
  const files = outcomes.filter(({ check }) => check === 'content-checked');
  if (files.length === 0) return '';
  const names = files.map(({ file }) => file).join(', ');
  return `checked by content alone, not by MD5 (the published one is disputed): ${names}\n`;
}

/** Parts with an empty line between them; empty parts are left out. */
export function joinParts(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n');
}
