import { serveDataset } from '../../serve/serve-dataset.ts';
import type { ServeResult } from '../../serve/types.ts';
import { count, formatBytes, formatDuration } from '../../text.ts';
import { type CommandContext, type CommandOutcome, runOptionsOf } from '../command.ts';

export async function runServe(context: CommandContext): Promise<CommandOutcome> {
  const { host, port, maxConnections } = context.settings;
  const run = await runOptionsOf(context);
  const result = await serveDataset({ ...run, host, port, maxConnections });
  const { requests, refused } = result;
  return {
    result,
    counts: { requests, refused },
    errors: [],
    render: () => renderResult(result),
    isStatusOnly: true,
  };
}

function renderResult({ requests, refused, bytes, elapsedMs }: ServeResult): string {
  const more = refused === 0 ? '' : `; ${count(refused, 'request')} asked to come again`;
  const answered = `${count(requests, 'request')}, ${formatBytes(bytes)}`;
  return `served ${answered} in ${formatDuration(elapsedMs)}${more}\n`;
}
