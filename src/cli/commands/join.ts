import { CcxriError } from '../../errors.ts';
import { joinDirectories } from '../../join-directories.ts';
import { joinDataset } from '../../join.ts';
import type { IndexResult } from '../../labels/build-index.ts';
import {
  type CommandContext,
  type CommandOutcome,
  runOptionsOf,
  strictErrors,
} from '../command.ts';
import { renderIndex } from '../render-outcomes.ts';

export async function runJoin(context: CommandContext): Promise<CommandOutcome> {
  const { output, dryRun, from } = context.settings;
  const result =
    from.length > 0
      ? await joinSeveral(context, from)
      : await joinDataset({ ...(await runOptionsOf(context)), output, dryRun });
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

async function joinSeveral(
  context: CommandContext,
  directories: readonly string[],
): Promise<IndexResult> {
  const { output, dryRun, manifest: typed } = context.settings;
  if (output === undefined) {
    throw new CcxriError('usage', '--from needs the name of a file for the index', {
      expected: 'ccxri join --from DIR --from DIR --output FILE',
      next: [{ kind: 'option', option: 'output' }],
    });
  }
  const { manifest, ...run } = await runOptionsOf(context);
  // Without one that was typed, those that the directories keep are compared.
  const choice = typed === undefined ? {} : { manifest };
  return joinDirectories({ ...run, ...choice, directories, output, dryRun });
}
