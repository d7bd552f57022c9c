import { CcxriError } from '../../errors.ts';
import { nearestOf } from '../../manifest/manifest.ts';
import { toPrintable } from '../../text.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import { COMPLETION_SCRIPTS } from '../completion-scripts.ts';
import { SHELLS } from '../shells.ts';

export async function runCompletion({ argument }: CommandContext): Promise<CommandOutcome> {
  const shell = SHELLS.find((name) => name === argument?.toLowerCase());
  if (shell === undefined) throw unknownShell(argument);
  const script = COMPLETION_SCRIPTS[shell];
  return Promise.resolve({
    result: { shell, script },
    counts: { lines: script.split('\n').length - 1 },
    errors: [],
    render: () => script,
    isStatusOnly: false,
  });
}

function unknownShell(typed: string | undefined): CcxriError {
  const all = SHELLS.join(', ');
  const meant = /^pwsh/i.test(typed ?? '')
    ? 'powershell'
    : nearestOf(typed ?? '', SHELLS, (name) => name);
  const message =
    typed === undefined
      ? 'completion takes the name of a shell'
      : `there is no completion for "${toPrintable(typed, 80)}"`;
  const text = `run \`ccxri completion ${meant ?? 'SHELL'}\` with one of ${all}`;
  return new CcxriError('usage', message, { expected: all, next: [{ kind: 'advice', text }] });
}
