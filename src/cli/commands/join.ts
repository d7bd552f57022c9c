import { joinDataset } from '../../join.ts';
import {
  type CommandContext,
  type CommandOutcome,
  runOptionsOf,
  strictErrors,
} from '../command.ts';
import { renderIndex } from '../render-outcomes.ts';

export async function runJoin(context: CommandContext): Promise<CommandOutcome> {
  const { output, dryRun } = context.settings;
  const result = await joinDataset({ ...(await runOptionsOf(context)), output, dryRun });
  return {
    result,
    counts: {
      rows: result.rows,
      rowsWithLabels: result.rowsWithLabels,
      archives: result.archives.length,
      remarks: result.remarks.length,
    },
    errors: strictErrors(context, [], result),
    render: (view) => `${renderIndex(result, view)}${dryRun ? '\nnothing was written\n' : ''}`,
    isStatusOnly: !dryRun,
  };
}
