import { CcxriError } from '../../errors.ts';
import { writeFileAtomic } from '../../fs/atomic.ts';
import { assertOutputFile } from '../../fs/paths.ts';
import { makeManifest } from '../../make-manifest/make-manifest.ts';
import { loadManifest } from '../../manifest/load.ts';
import { count, toPrintable, toPrintableJson } from '../../text.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import { expandHome } from '../options-resolve.ts';
import type { View } from '../view.ts';

/** The manifest itself goes to stdout, or into a file; what was left out is a warning. */
export async function runManifest(context: CommandContext): Promise<CommandOutcome> {
  const { settings, signal, onEvent, env } = context;
  const argument = context.argument === undefined ? undefined : expandHome(context.argument, env);
  const { dryRun, concurrency } = settings;
  // Without a file it goes to stdout anyway.
  const output = settings.output === '-' ? undefined : settings.output;
  if (argument === undefined) {
    const next = [{ kind: 'run', command: 'manifest', argument: 'DIR' }] as const;
    throw new CcxriError('usage', 'say which directory', { next });
  }
  if (output !== undefined) await assertOutputFile(output);
  const like = await loadManifest(settings.manifest);
  const run = { directory: argument, like, concurrency, signal, onEvent };
  const { manifest, leftOut } = await makeManifest(run);
  for (const name of leftOut) {
    const message = `${toPrintable(name)} is neither an archive nor a label file: left out`;
    onEvent({ event: 'warning', code: 'source', message });
  }
  // As manifests/cc-cxri.json is laid out.
  const text = `${toPrintableJson(JSON.stringify(manifest, null, 2))}\n`;
  if (output !== undefined && !dryRun)
    await writeFileAtomic(output, text, { followsLink: true, signal });
  const renderWritten = (path: string, { suggest }: View) => {
    const what = `${toPrintable(path, 4096)}: ${count(manifest.files.length, 'file')}`;
    if (dryRun) return `${what}; nothing was written\n`;
    const options = { manifest: path, source: argument };
    return `${what}\nnext: ${suggest.command('fetch', { subsets: ['all'], options })}\n`;
  };
  return {
    result: { manifest, leftOut, output: output ?? null },
    counts: { files: manifest.files.length, leftOut: leftOut.length },
    errors: [],
    render: (view) => (output === undefined ? text : renderWritten(output, view)),
    isStatusOnly: output !== undefined,
  };
}
