import { join } from 'node:path';
import { type DemoResult, runDemo } from '../../demo/run-demo.ts';
import { quoteForShell, toPrintable } from '../../text.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import type { View } from '../io.ts';
import { DEMO_DEST } from '../options.ts';
import { renderFetched } from '../render-fetch.ts';
import { joinParts } from '../render-outcomes.ts';
import { errorsOfFetch } from './fetch.ts';

export async function runDemoCommand(context: CommandContext): Promise<CommandOutcome> {
  const { settings, signal, onEvent, env } = context;
  const dest = settings.dest ?? DEMO_DEST;
  if (settings.dryRun) return dryOutcome(dest);
  const result = await runDemo({ dest, signal, onEvent });
  return {
    result,
    ...errorsOfFetch(result.fetch, settings),
    render: (view) => renderDemo(result, view, programOf(env)),
    isTalk: true,
  };
}

function dryOutcome(dest: string): CommandOutcome {
  const text = `would make a small release, serve it on loopback, and fetch it into ${toPrintable(dest, 4096)}\n`;
  return {
    result: { dest, dryRun: true },
    counts: {},
    errors: [],
    render: () => `${text}nothing was written\n`,
    isTalk: false,
  };
}

/** By `npm run demo` in a clone no `ccxri` is on the PATH, but `npx ccxri` is the one just built. */
function programOf(env: CommandContext['env']): string {
  return env['npm_lifecycle_event'] === 'demo' ? 'npx ccxri' : 'ccxri';
}

function renderDemo(result: DemoResult, view: View, program: string): string {
  const { page, commandLine, manifestPath, fetch } = result;
  const set = `--dest ${quoteForShell(fetch.dest)} --manifest ${quoteForShell(manifestPath)}`;
  return joinParts([
    `A made-up release was served at ${page}, and this was run:\n  ${commandLine}\n`,
    renderFetched(fetch, { view, again: '`ccxri demo`' }),
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
