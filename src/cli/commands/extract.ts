import { extractDataset } from '../../extract/extract-dataset.ts';
import type { ExtractResult, ExtractStatus } from '../../extract/types.ts';
import { count, formatDuration, toPrintable } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  brokenErrors,
  errorsOf,
  runOptionsOf,
} from '../command.ts';
import {
  type StatusLabels,
  countStatuses,
  joinParts,
  renderBroken,
  renderStatusCounts,
} from '../render-outcomes.ts';
import type { View } from '../view.ts';

const STATUSES: StatusLabels<ExtractStatus> = {
  extracted: 'extracted',
  present: 'were extracted already',
  planned: 'would be extracted',
  missing: 'not here',
  failed: 'failed',
};

export async function runExtract(context: CommandContext): Promise<CommandOutcome> {
  const { dryRun, wait, concurrency, keepGood } = context.settings;
  const result = await extractDataset({
    ...(await runOptionsOf(context)),
    concurrency,
    dryRun,
    wait,
    keepGood,
  });
  const { outcomes } = result;
  return {
    result,
    counts: { archives: outcomes.length, ...countStatuses(STATUSES, outcomes) },
    errors: [...errorsOf(outcomes), ...brokenErrors(context, outcomes)],
    render: (view) => renderExtracted(result, view),
    isStatusOnly: !dryRun,
  };
}

function renderExtracted(result: ExtractResult, view: View): string {
  const { dest, outcomes, dryRun, elapsedMs } = result;
  const archives = count(outcomes.length, 'archive');
  const time = dryRun ? '' : ` in ${formatDuration(elapsedMs)}`;
  const hasFailed = outcomes.some(({ error }) => error !== undefined);
  const next = dryRun ? 'nothing was written' : `${view.suggest.command('join')} writes index.csv`;
  return joinParts([
    `${archives} in ${toPrintable(dest, 4096)}${time}\n`,
    renderStatusCounts(STATUSES, outcomes, view),
    renderBroken(outcomes, view),
    // The errors of failed files say what to do about them.
    outcomes.length === 0 || hasFailed ? '' : `${view.style.bold('next:')} ${next}\n`,
  ]);
}
