import { extractDataset } from '../../extract/extract-dataset.ts';
import type { ExtractResult, ExtractStatus } from '../../extract/types.ts';
import { count, formatDuration, toPrintable } from '../../text.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import type { View } from '../io.ts';
import {
  type StatusLabels,
  countStatuses,
  joinParts,
  renderFailed,
  renderStatusCounts,
} from '../render-outcomes.ts';
import { styleOf } from '../render-table.ts';
import { concurrencyOf, errorsOf, runOptionsOf } from './shared.ts';

const STATUSES: StatusLabels<ExtractStatus> = {
  extracted: 'extracted',
  present: 'were extracted already',
  planned: 'would be extracted',
  missing: 'not here',
  failed: 'failed',
};

export async function runExtract(context: CommandContext): Promise<CommandOutcome> {
  const { settings, suggest } = context;
  const { dryRun, wait } = settings;
  const run = await runOptionsOf(context);
  const result = await extractDataset({ ...run, ...concurrencyOf(settings), dryRun, wait });
  const { outcomes } = result;
  return {
    result,
    counts: { archives: outcomes.length, ...countStatuses(STATUSES, outcomes) },
    errors: errorsOf(outcomes),
    render: (view) => suggest(renderExtracted(result, view)),
    isTalk: !dryRun,
  };
}

function renderExtracted(result: ExtractResult, view: View): string {
  const { dest, outcomes, dryRun, elapsedMs } = result;
  const archives = count(outcomes.length, 'archive');
  const time = dryRun ? '' : ` in ${formatDuration(elapsedMs)}`;
  const hasFailed = outcomes.some(({ error }) => error !== undefined);
  const next = dryRun ? 'nothing was written' : '`ccxri join` writes index.csv';
  return joinParts([
    `${archives} in ${toPrintable(dest, 4096)}${time}\n`,
    renderStatusCounts(STATUSES, outcomes, view),
    renderFailed(outcomes, view),
    // Of what failed the errors have the way on.
    outcomes.length === 0 || hasFailed ? '' : `${styleOf(view).bold('next:')} ${next}\n`,
  ]);
}
