import { dirname, join, normalize } from 'node:path';
import { isDemoDirectory } from '../../demo/demo-directory.ts';
import { type DemoResult, runDemo } from '../../demo/run-demo.ts';
import type { FetchResult } from '../../fetch/fetch-types.ts';
import { count, quoteForShell, toPrintable } from '../../text.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import { DEFAULT_DEST } from '../options.ts';
import { renderFetched } from '../render-fetch.ts';
import { joinParts } from '../render-outcomes.ts';
import type { View } from '../view.ts';
import { errorsOfFetch } from './fetch.ts';

export async function runDemoCommand(context: CommandContext): Promise<CommandOutcome> {
  const { settings, dest, signal, onEvent, env, program: command } = context;
  if (settings.dryRun) return dryOutcome(dest);
  const result = await runDemo({ dest, program: command && { command, env }, signal, onEvent });
  const { counts, errors } = errorsOfFetch(result.fetch, context);
  const { fetch, contactSheet } = result;
  const real = await realDirectory(context);
  const isDone = contactSheet !== undefined && errors.length === 0;
  return {
    result,
    counts,
    errors,
    render: (view) =>
      isDone
        ? renderDemo(result, { view, env, real })
        : renderFetched(fetch, view, errors.length > 0),
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

interface DemoRender {
  readonly view: View;
  readonly env: CommandContext['env'];
  /** The directory of the real dataset, where the command has to name it. */
  readonly real: string | undefined;
}

function renderDemo(result: DemoResult, { view, env, real }: DemoRender): string {
  const { fetch, caught, contactSheet } = result;
  // By `npm run demo` in a clone no `ccxri` is on the PATH, but `npx ccxri` is the one just built.
  const program = env['npm_lifecycle_event'] === 'demo' ? 'npx ccxri' : 'ccxri';
  const dest = toArgument(fetch.dest);
  const into = real === undefined ? '' : ` --dest ${quoteForShell(real)}`;
  return joinParts([
    renderDemoHead(fetch, caught.length, view),
    [
      'look at it:',
      `  ${toPrintable(contactSheet ?? '', 4096)}  every drawn chest with its labels`,
      `  ${toPrintable(fetch.index?.path ?? '', 4096)}  the same as a table`,
      '',
    ].join('\n'),
    [
      'try it:',
      `  ${program} status ${dest}`,
      `  ${program} verify ${dest} --deep`,
      `  ${program} fetch --subset viral -n${into}  # the real dataset: what it would download`,
      '',
    ].join('\n'),
  ]);
}

/** Within a demo's directory, `fetch` is of the demo: the real dataset goes beside it. */
async function realDirectory({ placeOfFetch }: CommandContext): Promise<string | undefined> {
  const { dest, isFound } = await placeOfFetch();
  if (!isFound || !(await isDemoDirectory(dest))) return undefined;
  return join(dirname(dest), DEFAULT_DEST);
}

function renderDemoHead(
  { dest, outcomes, index }: FetchResult,
  caught: number,
  { style }: View,
): string {
  const what = `${count(outcomes.length, 'file')}, ${count(index?.rows ?? 0, 'image')} with labels`;
  const done = `${style.green('done:')} ${what} in ${toPrintable(dest, 4096)}`;
  if (caught > 0) return `${done}; ${count(caught, 'failure')} caught\n`;
  return `${done}\nall of it of an earlier demo: remove that to see it from the start\n`;
}

/** A directory as it is typed where it is no option's value. */
function toArgument(dest: string): string {
  const path = normalize(dest);
  return quoteForShell(path.startsWith('-') ? `./${path}` : path);
}
