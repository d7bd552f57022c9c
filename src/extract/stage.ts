import { randomBytes } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { lstat, mkdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { whenFilesAreFree } from '../concurrency.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import { diskNowMs } from '../dataset/sweep.ts';
import { toDiskError } from '../errors.ts';
import { createLockFile, classifyLock } from '../fs/lock-file.ts';
import { listOrEmpty, makeDirectory, removeIfThere } from '../fs/paths.ts';
import { ownIdentity } from '../fs/process-identity.ts';
import { stemOf } from '../manifest/manifest.ts';

/** A private folder in which an archive is unpacked, before its images appear under their name. */
export interface Stage {
  /** Empty. To be filled, and renamed to images/<archive>. */
  readonly images: string;
  /** Free. Where an incomplete folder of before is moved. */
  readonly replaced: string;
  /** Removes the stage with all that is still in it. */
  readonly remove: () => Promise<void>;
}

/** `ChestDx-1.0123456789ab` */
const STAGE_NAME = /\.[0-9a-f]{12}$/;
/** `ChestDx-1.0123456789ab.owner` */
const OWNER_NAME = /^(.+\.[0-9a-f]{12})\.owner$/;
/** Of an owner's mark that was being written. */
const HALF_OWNER_NAME = /\.[0-9a-f]{12}\.owner\.[0-9a-f]{12}$/;
const IMAGES = 'images';
/** Not of this version, which marks a stage before it makes one: earlier ones marked it from within. */
const FRESH_MS = 60_000;
/** Nothing was made in it for so long: its owner, on another machine, is taken for gone. */
const FORGOTTEN_MS = 24 * 60 * 60 * 1000;

/**
 * Makes a stage that nobody else writes in: of a random name, for this user alone (0700), marked
 * with this process as its owner.
 * @throws CcxriError of the disk
 */
export async function makeStage(
  { layout, clock }: { readonly layout: DatasetLayout; readonly clock: Pick<Clock, 'date'> },
  archiveName: string,
): Promise<Stage> {
  await makeDirectory(layout.images);
  const root = await rootFor(layout);
  const token = randomBytes(6).toString('hex');
  const path = join(root, `${stemOf(archiveName)}.${token}`);
  const remove = () => removeStage(root, path);
  try {
    const holder = await ownIdentity();
    const since = clock.date().toISOString();
    // Before the folder, and removed after it: whenever this run is killed, the next one knows whose it was.
    await createLockFile(ownerOf(path), { lockVersion: 1, holder, token, since });
    await mkdir(path, { mode: 0o700 });
    // The folder that will be seen has the usual mode; the one around it keeps others out till then.
    await mkdir(join(path, IMAGES));
  } catch (error) {
    await remove().catch(() => undefined);
    throw toDiskError(error, 'make the directory', { path });
  }
  return { images: join(path, IMAGES), replaced: join(path, 'replaced'), remove };
}

/** On the disk of images/, which may be a link to another one: a rename does not cross disks. */
async function rootFor(layout: DatasetLayout): Promise<string> {
  try {
    await makeDirectory(layout.state);
    const [images, state] = await Promise.all([stat(layout.images), stat(layout.state)]);
    return images.dev === state.dev ? layout.stage : besideImages(layout);
  } catch (error) {
    throw toDiskError(error, 'look at', { path: layout.images });
  }
}

/** The mark of whose a stage is: beside it, as it is there for longer. */
function ownerOf(path: string): string {
  return `${path}.owner`;
}

function besideImages(layout: DatasetLayout): string {
  return join(layout.images, '.ccxri-stage');
}

/**
 * Removes what dead runs left in the middle of an extraction. The stage of a run that is alive, or
 * of which nothing is known, stays. For the holder of the lock: without it nothing counts as old.
 * @throws CcxriError of the disk
 */
export async function cleanStage(layout: DatasetLayout): Promise<void> {
  const nowMs = await diskNowMs(layout);
  for (const root of [layout.stage, besideImages(layout)]) {
    const entries = await listOrEmpty(root);
    for (const name of stagesOf(entries)) {
      const path = join(root, name);
      if (await isLeftover(path, nowMs)) await removeStage(root, path);
    }
    for (const { name } of entries.filter((each) => HALF_OWNER_NAME.test(each.name))) {
      const path = join(root, name);
      if ((await classifyLock(path)) === 'stale') await removeIfThere(path);
    }
  }
}

/** Those that are there, and those of which there is the owner's mark alone. */
function stagesOf(entries: readonly Dirent[]): ReadonlySet<string> {
  const names = entries.flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : (OWNER_NAME.exec(entry.name)?.[1] ?? []),
  );
  return new Set(names.filter((name) => STAGE_NAME.test(name)));
}

/** @param nowMs undefined: not known, and nothing is old */
async function isLeftover(path: string, nowMs: number | undefined): Promise<boolean> {
  const owner = await classifyLock(ownerOf(path));
  if (owner === 'stale') return true;
  if (owner === 'unreadable' || nowMs === undefined) return false;
  if (owner === 'gone') return nowMs - ((await madeAtMs(path)) ?? Infinity) > FRESH_MS;
  const madeMs = (await madeAtMs(join(path, IMAGES))) ?? (await madeAtMs(ownerOf(path)));
  return nowMs - (madeMs ?? Infinity) > FORGOTTEN_MS;
}

/** When something was last made in a folder, or a file was written; undefined: it is not there any more. */
async function madeAtMs(path: string): Promise<number | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.mtimeMs;
}

async function removeStage(root: string, path: string): Promise<void> {
  try {
    await whenFilesAreFree(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
    await removeIfThere(ownerOf(path));
    // Beside images nothing of ours is to be seen for longer than it is needed.
    if (root.endsWith('.ccxri-stage')) await rmdir(root).catch(() => undefined);
  } catch (error) {
    throw toDiskError(error, 'remove', { path });
  }
}
