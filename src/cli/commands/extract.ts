import { layoutOf } from '../../dataset/layout.ts';
import { extractDataset } from '../../extract/extract-dataset.ts';
import type { ExtractDid, ExtractResult } from '../../extract/types.ts';
import { pathKind } from '../../fs/paths.ts';
import { count, formatDuration, toPrintable } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  brokenErrors,
  errorsOf,
  runOptionsOf,
  shardOptionsOf,
} from '../command.ts';
import {
  type Labels,
  countOutcomes,
  ofShard,
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
    ...shardOptionsOf(context),
    concurrency,
    dryRun,
    wait,
    keepGood,
  });
  const { outcomes } = result;
  const errors = [...errorsOf(outcomes), ...brokenErrors(context, outcomes)];
  const hasIndex = (await pathKind(layoutOf(result.dest).index)) !== 'nothing';
  const endOf = (view: View) => {
    // Each error says what to do about it.
    if (outcomes.length === 0 || errors.length > 0) return '';
    return dryRun ? renderDry(outcomes, view, context) : renderNext(outcomes, view, hasIndex);
  };
  return {
    result,
    counts: { archives: outcomes.length, ...countOutcomes(outcomes, Object.keys(DIDS)) },
    errors,
    render: (view) => joinParts([renderExtracted(result, view), endOf(view)]),
    isStatusOnly: !dryRun,
  };
}

function renderExtracted(result: ExtractResult, view: View): string {
  const { dest, outcomes, dryRun, elapsedMs } = result;
  const archives = count(outcomes.length, 'archive') + ofShard(result);
  const time = dryRun ? '' : ` in ${formatDuration(elapsedMs)}`;
  return joinParts([
    `${archives} in ${toPrintable(dest, 4096)}${time}\n`,
    renderCounts(outcomes, { dids: DIDS }, view),
    renderBroken(outcomes, view),
  ]);
}

function renderDry(
  outcomes: ExtractResult['outcomes'],
  { suggest }: View,
  { settings: { subset, file } }: CommandContext,
): string {
  const isOpen = outcomes.some(({ did }) => did === 'planned');
  const again = suggest.again('extract', { subsets: subset, files: file });
  return `nothing was written; ${isOpen ? `${again} does it` : 'nothing is left to extract'}\n`;
}

/** An index that is here has what was extracted before. */
function renderNext(
  outcomes: ExtractResult['outcomes'],
  { style, suggest }: View,
  hasIndex: boolean,
): string {
  const isNew = outcomes.some(({ did }) => did === 'extracted');
  if (hasIndex && !isNew) return '';
  return `${style.bold('next:')} ${suggest.command('join')} writes index.csv\n`;
}
