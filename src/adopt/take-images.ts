import { mkdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toDiskError } from '../errors.ts';
import type { PlacedImage } from '../extract/place-single.ts';
import { syncDirectory } from '../fs/atomic.ts';
import type { ImageFault } from '../fs/image-content.ts';
import { type ManifestFile, stemOf } from '../manifest/manifest.ts';
import type { ArchiveFinds, ImageFind } from './image-finds.ts';
import type { AdoptRun } from './run.ts';
import { type TakeEnd, takeFiles, takeMembers } from './take-bytes.ts';
import { CheckPhase } from './check-phase.ts';
import type { LeftWhy } from './types.ts';

/** An image that has passed, and lies in the stage; in a dry run it has only passed. */
export interface TakenImage {
  readonly find: ImageFind;
  readonly placed: PlacedImage;
  readonly fault: ImageFault | null;
  /** Of the found file; null of a member. */
  readonly mtimeMs: number | null;
}

interface Target {
  readonly file: ManifestFile;
  /** An empty folder; null: nothing is written. */
  readonly into: string | null;
  readonly finds: ArchiveFinds;
}

/** Reasons that speak against what was found. */
const WRONG: readonly LeftWhy[] = ['differs', 'twice', 'damaged'];

/**
 * Takes images into a folder, of those of one name the first that is right. Where nothing is known to check them
 * by, all of a name have to be the same; else nothing tells which is right, and none is taken.
 * @throws CcxriError of the disk; `aborted`
 */
export async function takeImages(
  wanted: readonly ImageFind[],
  { file, into, finds }: Target,
  run: AdoptRun,
): Promise<readonly TakenImage[]> {
  const leave = (find: ImageFind, why: LeftWhy, message: string | null) => {
    run.left.add(why, find.path, message);
    finds.left += 1;
    if (WRONG.includes(why)) finds.wrong += 1;
  };
  const phase = new CheckPhase(file.name, run.session);
  const take = async (some: readonly ImageFind[], to: string | null) => [
    ...(await takeFiles(some, to, { run, phase })),
    ...(await takeMembers(some, to, { run, phase })),
  ];
  if (into !== null) await makeFolders(wanted, into);
  const groups = byTarget(wanted);
  const taken = new Map<string, TakenImage>();
  for (let round = 0; ; round += 1) {
    const next = [...groups].flatMap(([target, group]) =>
      taken.has(target) ? [] : group.slice(round, round + 1),
    );
    if (next.length === 0) break;
    for (const end of await take(next, into)) {
      if (end.kind === 'left') leave(end.find, end.why, end.message);
      else taken.set(end.find.target, toTaken(end));
    }
  }
  const others = [...taken.values()].flatMap((each) => othersOf(each, groups));
  const doubtful = others.filter(({ expected }) => expected === undefined);
  const unlike = findUnlike(await take(doubtful, null), taken);
  for (const target of unlike) {
    taken.delete(target);
    if (into !== null) await unlink(join(into, target)).catch(() => undefined);
    for (const find of groups.get(target) ?? []) {
      leave(find, 'twice', 'another file of this name has other content');
    }
  }
  for (const { target, path } of others) {
    if (!unlike.has(target))
      run.left.add('not-needed', path, `${stemOf(file.name)}/${target} once more`);
  }
  if (into !== null) await syncFolders([...taken.values()], into);
  phase.end(taken.size);
  return [...taken.values()];
}

function byTarget(wanted: readonly ImageFind[]): ReadonlyMap<string, readonly ImageFind[]> {
  const groups = new Map<string, ImageFind[]>();
  for (const find of [...wanted].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const group = groups.get(find.target);
    if (group === undefined) groups.set(find.target, [find]);
    else group.push(find);
  }
  return groups;
}

type TakenEnd = Extract<TakeEnd, { kind: 'taken' }>;

function toTaken({ find, bytes: size, crc32, fault, mtimeMs }: TakenEnd): TakenImage {
  const state = find.expected === undefined ? 'named' : 'crc-checked';
  return { find, placed: { path: find.target, size, crc32, state }, fault, mtimeMs };
}

/** Those of the same name that come after the one that was taken. */
function othersOf(
  { find }: TakenImage,
  groups: ReadonlyMap<string, readonly ImageFind[]>,
): readonly ImageFind[] {
  const group = groups.get(find.target) ?? [];
  return group.slice(group.indexOf(find) + 1);
}

/** Names of which some content differs from what was taken. */
function findUnlike(
  ends: readonly TakeEnd[],
  taken: ReadonlyMap<string, TakenImage>,
): ReadonlySet<string> {
  const unlike = new Set<string>();
  for (const end of ends) {
    const placed = taken.get(end.find.target)?.placed;
    if (end.kind !== 'taken' || placed === undefined) continue;
    if (end.bytes !== placed.size || end.crc32 !== placed.crc32) unlike.add(end.find.target);
  }
  return unlike;
}

/** For images in folders of their archive; made here, in a folder of ours, so that no link is among them. */
async function makeFolders(wanted: readonly ImageFind[], into: string): Promise<void> {
  const folders = new Set(wanted.map(({ target }) => dirname(target)));
  folders.delete('.');
  for (const folder of folders) {
    const path = join(into, folder);
    try {
      await mkdir(path, { recursive: true });
    } catch (error) {
      throw toDiskError(error, 'make the directory', { path });
    }
  }
}

/** Once everything is in them. @throws CcxriError of the disk */
async function syncFolders(taken: readonly TakenImage[], into: string): Promise<void> {
  const folders = new Set(['.', ...taken.map(({ placed }) => dirname(placed.path))]);
  for (const folder of folders) {
    const path = join(into, folder);
    await syncDirectory(path).catch((error: unknown) => {
      throw toDiskError(error, 'flush', { path });
    });
  }
}
