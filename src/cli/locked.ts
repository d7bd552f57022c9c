import { choiceOfLocked } from '../lockfile/content.ts';
import { assertNoDrift } from '../lockfile/drift.ts';
import { lockfilePathOf, makeLockfile } from '../lockfile/make-lockfile.ts';
import { readLockfile } from '../lockfile/read-lockfile.ts';
import type { Lockfile } from '../lockfile/types.ts';
import { readChoice } from '../labels/make-choice.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import type { CommandContext, RunOfCommand } from './command.ts';
import { type Selected, filesOf, selectedOf } from './selected.ts';

/**
 * What a run of `--locked` is of: what was typed, or else what the lockfile says; in any case it is what the
 * lockfile says.
 * @returns undefined: nothing was typed, and nothing is locked
 * @throws CcxriError `lockfile-invalid`, `lockfile-drift`
 */
export async function selectedOrLocked(
  context: CommandContext,
  run: RunOfCommand,
): Promise<Selected | undefined> {
  const { locked, lockfile: path = lockfilePathOf(run.dest) } = context.settings;
  const typed = await selectedOf(context, run);
  if (!locked && context.settings.lockfile === undefined) return typed;
  const { onEvent } = context;
  const { manifest, dest } = run;
  const lockfile = await readLockfile(path);
  const selected = typed ?? (await selectedBy(lockfile, manifest));
  const files = filesOf(manifest, selected);
  const now = await makeLockfile({ manifest, dest, files, images: selected.images, onEvent });
  assertNoDrift(path, lockfile, now);
  if (lockfile.ccxriVersion !== now.ccxriVersion) {
    const message = `${toPrintable(path, 4096)} was written by ccxri ${toPrintable(lockfile.ccxriVersion, 40)}; this is ${now.ccxriVersion}`;
    onEvent({ event: 'warning', code: 'lockfile', message });
  }
  return selected;
}

/** What the manifest lacks of it shows as drift. */
async function selectedBy({ selection }: Lockfile, manifest: Manifest): Promise<Selected> {
  const names = new Set(manifest.files.map(({ name }) => name));
  const files = selection.files.filter((name) => names.has(name));
  if (selection.images === null) return { selection: { files } };
  const images = await readChoice(choiceOfLocked(selection.images), manifest);
  return { selection: { files }, images };
}
