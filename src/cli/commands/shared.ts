import type { FileOutcome, RunOptions } from '../../dataset/session.ts';
import { CcxriError } from '../../errors.ts';
import { describeFinding } from '../../labels/audit.ts';
import type { IndexResult } from '../../labels/build-index.ts';
import { loadManifest } from '../../manifest/load.ts';
import type { Selection } from '../../manifest/manifest.ts';
import type { CommandContext } from '../command.ts';
import { DEFAULT_DEST, type Settings } from '../options.ts';

/** What every function on a dataset directory takes, from what was typed. */
export async function runOptionsOf(
  context: CommandContext,
): Promise<Required<Omit<RunOptions, 'selection' | 'clock'>> & { readonly selection: Selection }> {
  const { settings, signal, onEvent } = context;
  return {
    manifest: await loadManifest(settings.manifest),
    dest: settings.dest ?? DEFAULT_DEST,
    selection: selectionOf(settings),
    signal,
    onEvent,
  };
}

export function selectionOf({ subset, file }: Settings): Selection {
  return { subsets: subset, files: file };
}

/** How many files at once, where it was said: each function has its own default. */
export function concurrencyOf({ concurrency }: Settings) {
  return concurrency === undefined ? {} : { concurrency };
}

/** What functions that ask sources take. */
export function sourceOptionsOf({ settings, env }: CommandContext) {
  return {
    ...(settings.source.length === 0 ? {} : { sources: settings.source }),
    headers: settings.header,
    timeoutMs: settings.timeout === undefined ? undefined : settings.timeout * 1000,
    env,
  };
}

export function errorsOf(
  outcomes: readonly Pick<FileOutcome<string>, 'error'>[],
): readonly CcxriError[] {
  return outcomes.flatMap(({ error }) => (error === undefined ? [] : [error]));
}

/** With `--strict`: what else is only warned of, as errors. */
export function strictErrors(
  settings: Settings,
  contentChecked: readonly string[],
  index?: IndexResult,
): readonly CcxriError[] {
  if (!settings.strict) return [];
  const hint = 'without --strict this is a warning';
  const disputed = contentChecked.map(
    (file) =>
      new CcxriError('findings', `${file} passed by its content alone: its MD5 is disputed`, {
        file,
        hint,
      }),
  );
  const findings = (index?.findings ?? []).filter(({ strict }) => strict);
  if (findings.length === 0) return disputed;
  const reasons = findings.map(describeFinding);
  const message = 'images and labels do not add up';
  return [...disputed, new CcxriError('findings', message, { reasons, hint })];
}
