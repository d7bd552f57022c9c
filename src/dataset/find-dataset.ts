import { type Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import nodePath, { type PlatformPath, basename, dirname, join, resolve } from 'node:path';
import { CcxriError } from '../errors.ts';
import type { EventListener } from '../events.ts';
import { toPrintable } from '../text.ts';
import { layoutOf } from './layout.ts';

/**
 * The dataset directory that a directory is, or is below; undefined: none. The nearest one counts.
 * @param start absolute, or below the current directory
 */
export async function findDataset(start: string): Promise<string | undefined> {
  for (let at = resolve(start); ; at = dirname(at)) {
    if (await isDataset(at)) return at;
    if (dirname(at) === at) return undefined;
  }
}

/**
 * Whether a directory is a dataset directory: its `.ccxri` has a ledger or a kept manifest. What can't be
 * looked at is none. Where everybody may put a `.ccxri`, as in /tmp, only one's own counts: nobody else is
 * to decide where a command works.
 */
export async function isDataset(directory: string): Promise<boolean> {
  const { root, state, ledger, manifest } = layoutOf(directory);
  const [rootStats, stateStats, ledgerStats, manifestStats] = await Promise.all(
    [root, state, ledger, manifest].map(statsOf),
  );
  if (rootStats === undefined || stateStats?.isDirectory() !== true) return false;
  if (ledgerStats?.isDirectory() !== true && manifestStats?.isFile() !== true) return false;
  return (rootStats.mode & OPEN_TO_ALL) !== OPEN_TO_ALL || isOwn(stateStats);
}

/** Sticky, and everybody may write. */
const OPEN_TO_ALL = 0o1002;

/** Whether a file is the user's own, or the system's. */
export function isOwn({ uid }: Stats): boolean {
  try {
    return uid === 0 || uid === userInfo().uid;
  } catch {
    // In a container the user may have no entry in /etc/passwd.
    return false;
  }
}

function statsOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined);
}

/** The folder of a dataset directory that a path is in, as `images`; undefined: in none of them. */
export function folderWithin(
  root: string,
  path: string,
  flavour: PlatformPath = nodePath,
): string | undefined {
  const { sep } = flavour;
  const [first = ''] = flavour.relative(root, flavour.resolve(path)).split(sep);
  const { archives, labels, images, state } = layoutOf(root, flavour);
  // As `relative` compares what the paths have in common.
  const toKey = (name: string) => (sep === '\\' ? name.toLowerCase() : name);
  return [archives, labels, images, state]
    .map((each) => flavour.basename(each))
    .find((name) => toKey(name) === toKey(first));
}

/**
 * Another dataset directory that a new one would lie in; undefined: none.
 * @throws CcxriError `usage`: it would lie among the other's images or archives
 */
export async function datasetAround(dest: string): Promise<string | undefined> {
  const places = new Set([resolve(dest), await realOf(resolve(dest))]);
  let around: string | undefined;
  for (const place of places) {
    const root = await findDataset(dirname(place));
    const folder = root === undefined ? undefined : folderWithin(root, place);
    if (root !== undefined && folder !== undefined) throw insideFolder(dest, root, folder);
    around ??= root;
  }
  return around;
}

/**
 * A dataset directory that is to be made in another one may be meant; one that has the other's name is not.
 * @throws CcxriError `usage`: it has the other's name; as `datasetAround`
 */
export async function warnOfNesting({
  dest,
  onEvent,
}: {
  readonly dest: string;
  readonly onEvent?: EventListener | undefined;
}): Promise<void> {
  const around = await datasetAround(dest);
  if (around === undefined || (await isDataset(dest))) return;
  const [inner, outer] = [dest, around].map((path) => toPrintable(path, 4096));
  const message = `${inner} is in another dataset directory, ${outer}`;
  // cc-cxri/cc-cxri: it was typed as if from the directory above.
  if (basename(resolve(dest)) === basename(around)) {
    const text = `leave the directory out to work on ${outer}, or choose one outside of it`;
    throw new CcxriError('usage', message, { path: dest, next: [{ kind: 'advice', text }] });
  }
  onEvent?.({ event: 'warning', code: 'disk', message });
}

/** Links followed, as far as the path exists. */
async function realOf(path: string): Promise<string> {
  const real = await realpath(path).catch(() => undefined);
  if (real !== undefined || dirname(path) === path) return real ?? path;
  return join(await realOf(dirname(path)), basename(path));
}

function insideFolder(dest: string, root: string, folder: string): CcxriError {
  const [shown, other] = [toPrintable(dest, 4096), toPrintable(root, 4096)];
  return new CcxriError(
    'usage',
    `${shown} lies in ${folder}/ of the dataset directory ${other}: a dataset in there would be mixed up with it`,
    {
      path: dest,
      kept: 'everything: nothing was started',
      next: [
        {
          kind: 'option',
          option: 'dest',
          value: root,
          purpose: 'to work on that one',
          or: { kind: 'option', option: 'dest', purpose: 'outside of it' },
        },
      ],
    },
  );
}
