import { lockfilePathOf, writeLockfile } from '../../lockfile/make-lockfile.ts';
import type { LockResult } from '../../lockfile/types.ts';
import { count, toPrintable } from '../../text.ts';
import { type CommandContext, type CommandOutcome, runOptionsOf } from '../command.ts';
import { filesOf, requireSelected } from '../selected.ts';
import type { View } from '../view.ts';

export async function runLock(context: CommandContext): Promise<CommandOutcome> {
  const { output } = context.settings;
  const run = await runOptionsOf(context);
  const selected = await requireSelected(context, run, 'lock');
  const { manifest, dest, onEvent } = run;
  const files = filesOf(manifest, selected);
  const options = { manifest, dest, onEvent, files, images: selected.images };
  const result = await writeLockfile(output ?? lockfilePathOf(dest), options);
  return {
    result,
    counts: { files: files.length },
    errors: [],
    render: (view) => renderLock(result, output, view),
    isStatusOnly: true,
  };
}

function renderLock(
  { path, changed, lockfile }: LockResult,
  output: string | undefined,
  { style, suggest }: View,
): string {
  const { selection, manifest, splits } = lockfile;
  const what = [
    count(selection.files.length, 'file'),
    ...(selection.images === null ? [] : ['with chosen images']),
    `of ${toPrintable(`${manifest.dataset} ${manifest.version}`, 160)}`,
    ...(splits.length === 0 ? [] : [`and ${count(splits.length, 'split')}`]),
  ].join(' ');
  const options = output === undefined ? { locked: true } : { lockfile: output };
  const next = suggest.command('fetch', { options });
  const how = changed ? '' : ' (as it was)';
  return `${style.bold('lockfile')}  ${toPrintable(path, 4096)}: ${what}${how}\n${style.bold('next:')} ${next}\n`;
}
