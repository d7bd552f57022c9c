import { extractDataset } from '../../extract/extract-dataset.ts';
import type { ExtractDid, ExtractResult } from '../../extract/types.ts';
import { count, formatDuration, toPrintable } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  brokenErrors,
  errorsOf,
  runOptionsOf,
} from '../command.ts';
import {
  type Labels,
  countOutcomes,
  joinParts,
  renderBroken,
  renderCounts,
} from '../render-outcomes.ts';
import type { View } from '../view.ts';

const DIDS: Labels<ExtractDid> = {
  extracted: 'extracted',
  skipped: 'extracted before',
  planned: 'would be extracted',
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
    counts: { archives: outcomes.length, ...countOutcomes(outcomes, Object.keys(DIDS)) },
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
    renderCounts(outcomes, { dids: DIDS }, view),
    renderBroken(outcomes, view),
    // The errors of failed files say what to do about them.
    outcomes.length === 0 || hasFailed ? '' : `${view.style.bold('next:')} ${next}\n`,
  ]);
}
