import type { RepairPlan } from '../../fetch/repair-types.ts';
import { repairDataset } from '../../repair/repair-dataset.ts';
import type { RepairDid, RepairOutcome, RepairResult } from '../../repair/types.ts';
import { count, formatBytes, formatDuration, toPrintable } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  errorsOf,
  runOptionsOf,
  sourceOptionsOf,
} from '../command.ts';
import {
  type Labels,
  countOutcomes,
  didCountsLine,
  joinParts,
  renderCounts,
  renderSome,
} from '../render-outcomes.ts';
import type { View } from '../view.ts';

const DIDS: Labels<RepairDid> = {
  repaired: 'repaired',
  checked: 'read, nothing wrong',
  skipped: 'as it was when it passed',
  planned: 'to be repaired',
  failed: 'failed',
  stopped: 'not finished',
};

export async function runRepair(context: CommandContext): Promise<CommandOutcome> {
  const { dryRun, wait, concurrency, connections, retries, limitRate } = context.settings;
  const result = await repairDataset({
    ...(await runOptionsOf(context)),
    ...sourceOptionsOf(context),
    dryRun,
    wait,
    concurrency,
    connections,
    retries,
    limitRateBytesPerSecond: limitRate,
  });
  const { outcomes } = result;
  return {
    result,
    counts: { files: outcomes.length, ...countOutcomes(outcomes, Object.keys(DIDS)) },
    errors: errorsOf(outcomes),
    render: (view) => renderRepaired(result, view),
    isStatusOnly: !dryRun,
  };
}

function renderRepaired(result: RepairResult, view: View): string {
  const { outcomes, dryRun } = result;
  const isGood = outcomes.every(({ did }) => did !== 'failed' && did !== 'stopped');
  return joinParts([
    renderHead(result, view),
    isGood ? renderCounts(outcomes, { dids: DIDS }, view) : '',
    ...outcomes.map((outcome) => renderFound(outcome, view)),
    dryRun ? 'nothing was written\n' : '',
  ]);
}

function renderHead({ dest, outcomes, bytesDownloaded, elapsedMs }: RepairResult, view: View) {
  const { red, green } = view.style;
  const bad = outcomes.filter(({ did }) => did === 'failed' || did === 'stopped').length;
  const where = `${count(outcomes.length, 'file')} in ${toPrintable(dest, 4096)}`;
  const bytes = bytesDownloaded > 0 ? `, ${formatBytes(bytesDownloaded)} downloaded` : '';
  const what = `${where}${bytes} in ${formatDuration(elapsedMs)}`;
  const head = bad === 0 ? green(`done: ${what}`) : `${red('not done')}: ${what}`;
  const counts = bad === 0 ? '' : ` (${didCountsLine(DIDS, outcomes)})`;
  return view.prose(`${head}${counts}\n`, '  ');
}

/** What was wrong with a file, and what that cost. */
function renderFound({ file, repair, plan }: RepairOutcome, view: View): string {
  if (repair !== undefined) {
    const { keptBytes, fetchedBytes } = repair;
    const cost = `${formatBytes(keptBytes)} kept, ${formatBytes(fetchedBytes)} downloaded`;
    return describe(`${file}: ${cost}`, repair, view);
  }
  if (plan === undefined) return '';
  const { keptBytes, bytesToFetch } = plan;
  const cost = `${formatBytes(keptBytes)} to keep, ${formatBytes(bytesToFetch)} to download`;
  return describe(`${file}: ${cost}`, plan, view);
}

function describe(
  head: string,
  of: Pick<RepairPlan, 'badMembers' | 'isDirectoryBad' | 'wholeBecause'>,
  view: View,
): string {
  const { badMembers, isDirectoryBad, wholeBecause } = of;
  const why = wholeBecause === null ? '' : `, since ${toPrintable(wholeBecause)}`;
  const directory = isDirectoryBad ? '; its directory was wrong' : '';
  const line = `${head}${why}${directory}`;
  if (badMembers.length === 0) return `${line}\n`;
  const members = count(badMembers.length, 'damaged member');
  return renderSome(`${line}; ${members}`, badMembers, view);
}
