import { diagnose } from '../../doctor/diagnose.ts';
import type { DoctorResult } from '../../doctor/types.ts';
import { CcxriError } from '../../errors.ts';
import type { CheckName, CheckRow } from '../../checks.ts';
import { count, formatDuration } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  runOptionsOf,
  sourceOptionsOf,
} from '../command.ts';
import { shown } from '../render-error.ts';
import { joinParts } from '../render-outcomes.ts';
import type { View } from '../view.ts';

export async function runDoctor(context: CommandContext): Promise<CommandOutcome> {
  const { nodeVersion, settings } = context;
  const run = await runOptionsOf(context);
  const result = await diagnose({
    ...run,
    ...sourceOptionsOf(context),
    nodeVersion,
    dryRun: settings.dryRun,
    asksNewer: settings.newer,
  });
  const { checks: rows } = result;
  return {
    result,
    counts: {
      checks: rows.length,
      ok: countOf(rows, 'ok'),
      warnings: countOf(rows, 'warning'),
      problems: countOf(rows, 'problem'),
    },
    errors: rows.flatMap((row) => toError(row) ?? []),
    render: (view) => renderDiagnosis(result, view),
    isStatusOnly: true,
    showsErrors: true,
  };
}

function countOf(rows: readonly CheckRow[], status: CheckRow['status']): number {
  return rows.filter((row) => row.status === status).length;
}

/** A row as an error: its code decides the exit code. */
function toError({ check, code, seen, source, next }: CheckRow): CcxriError | undefined {
  if (code === undefined) return undefined;
  return new CcxriError(code, `${TITLES[check]}: ${seen}`, { source, next });
}

const TITLES: Readonly<Record<CheckName, string>> = {
  proxy: 'proxy',
  names: 'name lookup',
  connect: 'connecting',
  certificate: 'certificate',
  source: 'source',
  archive: 'an archive',
  labels: 'a label file',
  ranges: 'ranges',
  validator: 'validator',
  wall: 'access',
  speed: 'speed',
  clock: 'clock',
  directory: 'directory',
  space: 'space',
  inodes: 'inodes',
  'file-system': 'file system',
  rename: 'rename',
  flush: 'flush',
  case: 'case',
  'path-length': 'path length',
  'disk-clock': 'clock',
  lock: 'other runs',
  node: 'Node',
  'open-files': 'open files',
  memory: 'memory',
  version: 'version',
};

function renderDiagnosis({ dest, checks: rows, elapsedMs }: DoctorResult, view: View): string {
  const sources = [...new Set(rows.map(({ source }) => source ?? ''))].filter(Boolean);
  const of = (part: CheckRow['part'], source?: string) =>
    rows.filter((row) => row.part === part && row.source === source);
  return joinParts([
    ...sources.map((source) => renderPart('network', source, of('network', source), view)),
    renderPart('destination', dest, of('destination'), view),
    renderPart('machine', '', of('machine'), view),
    renderSummary(rows, elapsedMs, view),
  ]);
}

const STATUS_WIDTH = 7;
const TITLE_WIDTH = Math.max(...Object.values(TITLES).map(({ length }) => length));
/** Of what follows the first line of a row: below what was seen. */
const INDENT = ' '.repeat(2 + STATUS_WIDTH + 2 + TITLE_WIDTH + 2);

function renderPart(name: string, about: string, rows: readonly CheckRow[], view: View): string {
  const title = view.style.bold(name) + (about === '' ? '' : `  ${shown(about)}`);
  const given = new Set<string>();
  const lines = rows.map((row) => {
    const hint = view.suggest.hintOf(row);
    // The same advice once is enough.
    const isNew = hint !== undefined && !given.has(hint);
    if (isNew) given.add(hint);
    return renderRow(row, isNew ? hint : undefined, view);
  });
  return [`${title}\n`, ...lines].join('');
}

function renderRow(
  { check, status, seen }: CheckRow,
  hint: string | undefined,
  view: View,
): string {
  const { style } = view;
  const color = { ok: style.green, warning: style.yellow, problem: style.red }[status];
  const word = color(status) + ' '.repeat(STATUS_WIDTH - status.length);
  const head = `  ${word}  ${TITLES[check].padEnd(TITLE_WIDTH)}  `;
  const advice = hint === undefined ? '' : `${INDENT}${style.bold('next:')} ${shown(hint)}\n`;
  return view.prose(`${head}${shown(seen)}\n${advice}`, INDENT);
}

function renderSummary(rows: readonly CheckRow[], elapsedMs: number, { style }: View): string {
  const [problems, warnings] = [countOf(rows, 'problem'), countOf(rows, 'warning')];
  const found =
    problems > 0
      ? style.red(count(problems, 'problem'))
      : style.green('no problem that keeps a fetch from working');
  const more = warnings > 0 ? `, ${count(warnings, 'warning')}` : '';
  return `${found}${more}; ${count(rows.length, 'check')} in ${formatDuration(elapsedMs)}\n`;
}
