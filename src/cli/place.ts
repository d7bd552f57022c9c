import { stat } from 'node:fs/promises';
import { basename, isAbsolute, relative, resolve } from 'node:path';
import { findDataset, folderWithin, isDataset } from '../dataset/find-dataset.ts';
import { CcxriError, isCcxriError, type NextStep } from '../errors.ts';
import { pathKind } from '../fs/paths.ts';
import {
  type Manifest,
  type Selection,
  findFile,
  selectFiles,
  stemOf,
} from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import type { CliIo } from './io.ts';
import { assertNoLabel } from './usage-errors.ts';
import type { Origins } from './options-resolve.ts';
import {
  type CommandName,
  DEFAULT_DEST,
  DEMO_DEST,
  type RawOptions,
  type Settings,
  takesOption,
} from './options.ts';

/** The dataset directory that a command works on. */
export interface Place {
  readonly dest: string;
  /** Nobody has named it: the user is in it, or below it. */
  readonly isFound: boolean;
}

/**
 * As git finds a repository: what was given; else the dataset directory that the user is in; else the
 * command's default.
 * @param given `--dest`, its variable, or the positional argument
 * @param io `dest`: what a file of settings says, instead of the command's default
 */
export async function placeOf(
  command: CommandName,
  given: string | undefined,
  io: Pick<CliIo, 'cwd' | 'env'> & { readonly dest?: string | undefined },
): Promise<Place> {
  const { dest: fallback = command === 'demo' ? DEMO_DEST : DEFAULT_DEST } = io;
  if (given !== undefined || !worksOnDirectory(command)) {
    return { dest: given ?? fallback, isFound: false };
  }
  for (const start of await startsOf(io)) {
    const root = await findDataset(start);
    if (root === undefined) continue;
    // A dataset where the default is stays the one that is meant, unless the user is in another's folders.
    const isBeside = relative(root, start) !== '' && folderWithin(root, start) === undefined;
    if (isBeside && (await isDataset(resolve(start, fallback)))) break;
    return { dest: root, isFound: true };
  }
  return { dest: fallback, isFound: false };
}

/** What a file says of the directory gives way to that which the user is in. */
export async function placeFor(
  command: CommandName,
  { settings, origins }: { readonly settings: Settings; readonly origins: Origins },
  io: CliIo,
): Promise<Place & { readonly world: CliIo & { readonly dest: string | undefined } }> {
  const origin = origins.get('dest')?.name;
  const isNamed = origin === 'flag' || origin === 'variable';
  const world = { ...io, dest: isNamed ? undefined : settings.dest };
  const [first] = settings.from;
  if (first !== undefined) return { dest: first, isFound: false, world };
  return { ...(await placeOf(command, isNamed ? settings.dest : undefined, world)), world };
}

/** The options of a run, with the directory that the commands suggested after it have to name. */
export function flagsFor(
  { command, flags }: { readonly command: CommandName; readonly flags: RawOptions },
  { from: [first, ...others] }: Pick<Settings, 'from'>,
  { dest, isFound, isDemo }: Place & { readonly isDemo: boolean },
): RawOptions {
  // Of several directories none is the one that a suggested command is about.
  if (others.length > 0) return { ...flags, dest: 'DIR' };
  if (first !== undefined) return { ...flags, dest: first };
  // `ccxri demo` finds its own by itself: it has another default.
  return isDemo && !isFound && command !== 'demo' ? { ...flags, dest } : flags;
}

function worksOnDirectory(command: CommandName): boolean {
  return takesOption(command, 'dest');
}

/**
 * The current directory: as the shell has it first, since images/ may be a link to another disk; then
 * with its links followed.
 */
async function startsOf({ cwd, env }: Pick<CliIo, 'cwd' | 'env'>): Promise<readonly string[]> {
  const shells = env['PWD'] ?? '';
  if (!isAbsolute(shells) || shells === cwd) return [cwd];
  const [one, other] = await Promise.all(
    [shells, cwd].map((path) => stat(path).catch(() => undefined)),
  );
  const isSame = one !== undefined && one.dev === other?.dev && one.ino === other.ino;
  return isSame ? [shells, cwd] : [cwd];
}

/**
 * A subset or file that was typed where a directory is taken would become a directory.
 * @param typed the positional argument
 * @throws CcxriError `usage`, with the option that was meant
 */
export async function assertDirectoryMeant(
  typed: string,
  command: CommandName,
  loadNames: () => Promise<Manifest>,
): Promise<void> {
  const kind = await pathKind(typed);
  if (kind === 'directory') return;
  const selection = selectionMeant(await loadNames(), kind === 'file' ? basename(typed) : typed);
  if (selection === undefined) {
    if (kind === 'nothing') assertNoLabel(typed);
    return;
  }
  const isSubset = selection.subsets !== undefined;
  const next: NextStep = takesOption(command, 'subset')
    ? { kind: 'run', command, ...selection }
    : { kind: 'run', command: 'fetch', ...selection };
  const directory = isAbsolute(typed) ? typed : `./${typed}`;
  throw new CcxriError(
    'usage',
    `${toPrintable(typed, 80)} is ${isSubset ? 'a subset' : 'a file of the dataset'}, and what is taken here is a directory`,
    {
      next: [
        {
          ...next,
          or: {
            kind: 'option',
            option: 'dest',
            value: directory,
            purpose: 'if a directory of that name is meant',
          },
        },
      ],
    },
  );
}

function selectionMeant(manifest: Manifest, typed: string): Selection | undefined {
  const subsets = [typed];
  if (isKnown(() => selectFiles(manifest, { subsets }))) return { subsets };
  if (!isKnown(() => findFile(manifest, typed))) return undefined;
  return { files: [stemOf(findFile(manifest, typed).name)] };
}

function isKnown(look: () => unknown): boolean {
  try {
    look();
    return true;
  } catch (error) {
    if (isCcxriError(error, 'unknown-subset', 'unknown-file')) return false;
    throw error;
  }
}
