import type { GrowthRow } from './growth.ts';
import type { ProfileRow } from './profile.ts';
import type { Comparison } from './run-works.ts';
import type { Figure } from './single-works.ts';

/** A whole bench, as bench/results/latest.json has it. */
export interface BenchResult {
  /** ISO 8601 */
  readonly date: string;
  readonly machine: { readonly cpus: number; readonly model: string; readonly node: string };
  /** Bytes of the release. */
  readonly total: number;
  readonly rounds: number;
  readonly rows: readonly Comparison[];
  readonly single: readonly Figure[];
  readonly growth: readonly GrowthRow[];
  readonly profile: readonly ProfileRow[];
  readonly peakBytes: number;
}

/** The tables of docs/performance.md. */
export function toMarkdown(result: BenchResult): string {
  const { date, machine, total, rounds, peakBytes } = result;
  const head = `Taken on ${date.slice(0, 10)} on ${machine.cpus} cores (${machine.model}), Node ${machine.node}; a release of ${(total / 1e9).toFixed(2)} GB; medians of ${rounds}. Peak memory of all: ${mb(peakBytes)}.`;
  const tables = [
    comparisonTable(result.rows),
    figureTable(result.single),
    growthTableOf(result.growth),
    profileTableOf(result.profile),
  ];
  return `${[head, ...tables.filter((table) => table !== '')].join('\n\n')}\n`;
}

function comparisonTable(rows: readonly Comparison[]): string {
  const titles =
    'work,against,ccxri,rival,ratio,aimed at,,CPU s a GB: ccxri,rival,peak memory of ccxri';
  return table(
    titles.split(','),
    rows.map(({ name, rival, ccxri, peer, ratio, target, bytes }) => [
      ...[name, rival, `${ccxri.wallS.toFixed(1)} s`, `${peer.wallS.toFixed(1)} s`],
      ...[ratio.toFixed(2), target === null ? '' : `at most ${target}`, verdict(ratio, target)],
      ...[ccxri, peer].map(({ cpuS }) => (cpuS / (bytes / 1e9)).toFixed(1)),
      mb(ccxri.peakBytes),
    ]),
  );
}

function figureTable(figures: readonly Figure[]): string {
  return table(
    ['figure', 'value', 'aimed at', '', ''],
    figures.map(({ name, value, unit, target, note }) => [
      ...[name, `${value.toFixed(2)} ${unit}`, target === null ? '' : `at most ${target}`],
      ...[verdict(value, target), note],
    ]),
  );
}

function growthTableOf(rows: readonly GrowthRow[]): string {
  return table(
    ['archives', 'MB each', 'files at once', 'GB', 'wall', 'CPU', 'peak memory'],
    rows.map(({ archives, concurrency, gigabytes, wallS, cpuS, peakMegabytes }) => [
      ...[archives, ((gigabytes * 1000) / archives).toFixed(0), concurrency].map(String),
      ...[gigabytes.toFixed(2), `${wallS.toFixed(1)} s`, `${cpuS.toFixed(1)} s`],
      mb(peakMegabytes * 1e6),
    ]),
  );
}

function profileTableOf(rows: readonly ProfileRow[]): string {
  const works = [...new Set(rows.map(({ work }) => work))];
  const kinds = [...new Set(rows.map(({ kind }) => kind))];
  const shareOf = (work: string, kind: string) =>
    rows.find((row) => row.work === work && row.kind === kind)?.share ?? 0;
  return table(
    ['where the processor was', ...works],
    kinds.map((kind) => [
      kind,
      ...works.map((work) => `${(shareOf(work, kind) * 100).toFixed(0)} %`),
    ]),
  );
}

function verdict(value: number, target: number | null): string {
  if (target === null) return '';
  return value <= target ? 'met' : 'missed';
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const lines = [titles, titles.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
