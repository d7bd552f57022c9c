import { joinDataset } from '../../labels/build-index.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import { renderIndex } from '../render-outcomes.ts';
import { runOptionsOf, strictErrors } from './shared.ts';

export async function runJoin(context: CommandContext): Promise<CommandOutcome> {
  const { settings, suggest } = context;
  const { output, dryRun } = settings;
  const result = await joinDataset({
    ...(await runOptionsOf(context)),
    ...(output === undefined ? {} : { output }),
    dryRun,
  });
  return {
    result,
    counts: {
      rows: result.rows,
      rowsWithFindings: result.rowsWithFindings,
      archives: result.archives.length,
      findings: result.findings.length,
    },
    errors: strictErrors(settings, [], result),
    render: (view) =>
      suggest(`${renderIndex(result, view)}${dryRun ? '\nnothing was written\n' : ''}`),
    isTalk: !dryRun,
  };
}
