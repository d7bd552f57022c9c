import { CcxriError } from '../../errors.ts';
import { writeStreamAtomic } from '../../fs/atomic.ts';
import { assertOutputFile } from '../../fs/paths.ts';
import { makeManifest } from '../../make-manifest/make-manifest.ts';
import { loadManifest } from '../../manifest/load.ts';
import type { Manifest } from '../../manifest/manifest.ts';
import { count, quoteForShell, toPrintable, toPrintableJson } from '../../text.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import { concurrencyOf } from './shared.ts';

/** The manifest itself goes to stdout, or into a file; what was left out is a warning. */
export async function runManifest(context: CommandContext): Promise<CommandOutcome> {
  const { settings, argument, signal, onEvent } = context;
  const { dryRun } = settings;
  // Without a file it goes to stdout anyway.
  const output = settings.output === '-' ? undefined : settings.output;
  if (argument === undefined) {
    throw new CcxriError('usage', 'say which directory', { hint: '`ccxri manifest DIR`' });
  }
  if (output !== undefined) await assertOutputFile(output);
  const { manifest, leftOut } = await makeManifest({
    directory: argument,
    like: await loadManifest(settings.manifest),
    ...concurrencyOf(settings),
    signal,
    onEvent,
  });
  for (const name of leftOut) {
    const message = `${toPrintable(name)} is neither an archive nor a label file: left out`;
    onEvent({ event: 'warning', code: 'source', message });
  }
  const text = toText(manifest);
  if (output !== undefined && !dryRun) await writeStreamAtomic(output, [text], { signal });
  const isWritten = output !== undefined;
  return {
    result: { manifest, leftOut, output: output ?? null },
    counts: { files: manifest.files.length, leftOut: leftOut.length },
    errors: [],
    render: () => (isWritten ? told(manifest, { argument, output, dryRun }) : text),
    isTalk: isWritten,
  };
}

interface Told {
  readonly argument: string;
  readonly output: string;
  readonly dryRun: boolean;
}

function told({ files }: Manifest, { argument, output, dryRun }: Told): string {
  const what = `${toPrintable(output, 4096)}: ${count(files.length, 'file')}`;
  if (dryRun) return `${what}; nothing was written\n`;
  const from = `--manifest ${quoteForShell(output)} --source ${quoteForShell(argument)}`;
  return `${what}\nnext: \`ccxri fetch --subset all ${from}\`\n`;
}

/** As manifests/cc-cxri.json is laid out. */
function toText(manifest: Manifest): string {
  return `${toPrintableJson(JSON.stringify(manifest, null, 2))}\n`;
}
