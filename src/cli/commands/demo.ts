import { join } from 'node:path';
import { type DemoResult, runDemo } from '../../demo/run-demo.ts';
import { quoteForShell, toPrintable } from '../../text.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import { renderFetched } from '../render-fetch.ts';
import { joinParts } from '../render-outcomes.ts';
import type { View } from '../view.ts';
import { errorsOfFetch } from './fetch.ts';

export async function runDemoCommand(context: CommandContext): Promise<CommandOutcome> {
  const { settings, dest, signal, onEvent } = context;
  if (settings.dryRun) return dryOutcome(dest);
  const result = await runDemo({ dest, signal, onEvent });
  return {
    result,
    ...errorsOfFetch(result.fetch, context),
    render: (view) => renderDemo(result, view, context.env),
    isStatusOnly: true,
  };
}

function dryOutcome(dest: string): CommandOutcome {
  const text = `would serve a small synthetic release on loopback, and fetch it into ${toPrintable(dest, 4096)}\n`;
  return {
    result: { dest, dryRun: true },
    counts: {},
    errors: [],
    render: () => `${text}nothing was written\n`,
    isStatusOnly: false,
  };
}

function renderDemo(result: DemoResult, view: View, env: CommandContext['env']): string {
  const { page, commandLine, manifestPath, fetch } = result;
  // By `npm run demo` in a clone no `ccxri` is on the PATH, but `npx ccxri` is the one just built.
  const program = env['npm_lifecycle_event'] === 'demo' ? 'npx ccxri' : 'ccxri';
  const set = `--dest ${quoteForShell(fetch.dest)} --manifest ${quoteForShell(manifestPath)}`;
  return joinParts([
    `A synthetic release was served at ${page}, and this was run:\n  ${commandLine}\n`,
    renderFetched(fetch, view),
    [
      'look around:',
      `  ${toPrintable(join(fetch.dest, 'images'), 4096)}: synthetic images, no patient data`,
      `  ${program} status ${set}`,
      `  ${program} verify --deep ${set}`,
      'then the real thing:',
      `  ${program} list`,
      '',
    ].join('\n'),
  ]);
}
