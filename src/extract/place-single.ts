import { lstat, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { imagesPathOf } from '../dataset/layout.ts';
import type { MemberRecord, MembersRecord } from '../dataset/ledger.ts';
import { tryPlace } from '../download/publish.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { syncDirectory } from '../fs/atomic.ts';
import { pathKind } from '../fs/paths.ts';
import { rename } from '../fs/rename.ts';
import type { ListedMember } from '../zip/listing.ts';
import type { BrokenImage } from '../zip/member-faults.ts';
import { occupied } from './publish.ts';
import type { Stage } from './stage.ts';
import type { ExtractContext, SingleImagesFound } from './types.ts';

/** An image as the ledger records it. */
export interface PlacedImage extends Pick<ListedMember, 'path' | 'size' | 'crc32'> {
  /** `named`: there was nothing to check it by. Default `crc-checked`. */
  readonly state?: 'crc-checked' | 'named' | undefined;
}

/** What of an archive's images was here before. */
interface ImagesBefore extends Pick<SingleImagesFound, 'record' | 'broken' | 'bad'> {
  /** In their place already, and not recorded as what they are now. */
  readonly adopted: readonly PlacedImage[];
}

interface SinglePublication {
  /** Of the archive. */
  readonly name: string;
  readonly found: ImagesBefore;
  /** Filled and flushed. Absent: nothing was fetched. */
  readonly stage?: Stage | undefined;
  /** What is in the stage. */
  readonly members: readonly PlacedImage[];
  /** They are all that is in the stage, and in the order of their folders. Default false. */
  readonly isWholeStage?: boolean | undefined;
  /** The images are among those that the ledger lists of the whole archive: the list stays one. Default false. */
  readonly keepsList?: boolean | undefined;
  readonly broken: readonly BrokenImage[];
  readonly context: ExtractContext;
}

type NewRecord = Omit<MembersRecord, 'ledgerVersion'>;

/**
 * Gives single images their final names. The ledger records them before they appear; those that could not
 * be placed are taken out of it again: what lies in their place may be the user's.
 * @returns the ledger's record; undefined: there is none, for there is no image
 * @throws CcxriError `occupied`; of the disk
 */
export async function placeSingleImages(
  publication: SinglePublication,
): Promise<NewRecord | undefined> {
  const { name, found, stage, members, context } = publication;
  const isNew = members.length + found.adopted.length > 0;
  const isGoodAgain = found.record?.foundBadAt !== undefined && found.bad.size === 0;
  if (!isNew && !isGoodAgain) return found.record;
  const record = toRecord(publication);
  await context.ledger.writeMembers(record);
  if (stage === undefined) return record;
  const root = imagesPathOf(context.layout, name);
  const places = { root, name, known: new Set(found.record?.members.map(({ path }) => path)) };
  const placed: PlacedImage[] = [];
  try {
    if (publication.isWholeStage === true && (await placeStage(stage, root))) {
      await syncDirectory(context.layout.images);
      return record;
    }
    await makeFolders(members, places);
    for (const member of members) {
      await placeOne(member.path, stage, places);
      placed.push(member);
    }
    for (const folder of foldersOf(members)) await syncDirectory(join(root, folder));
    await syncDirectory(context.layout.images);
    return record;
  } catch (error) {
    const without = toRecord({ ...publication, members: placed });
    await context.ledger.writeMembers(without).catch(() => undefined);
    throw toDiskError(error, 'publish the images', { path: root });
  }
}

/** Where there is no folder yet, all of them get their names at once. @returns false: there is one */
async function placeStage({ images }: Stage, root: string): Promise<boolean> {
  if ((await pathKind(root)) !== 'nothing') return false;
  try {
    await rename(images, root);
    return true;
  } catch (error) {
    if (['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

/** What the ledger knows of the folder, with the new images: never all of an archive whose MD5 is known. */
function toRecord({
  name,
  found,
  members,
  broken,
  context,
  keepsList,
}: SinglePublication): NewRecord {
  const { record, adopted, bad } = found;
  const added = new Map([...adopted, ...members].map((member) => [member.path, member]));
  const others = <T extends { readonly path: string }>(list: readonly T[] = []) =>
    list.filter(({ path }) => !added.has(path));
  const allBroken = [...others(record?.broken), ...found.broken, ...broken];
  const damaged = others(record?.damaged);
  const isBad = [...bad].some((path) => !added.has(path));
  const foundBadAt = isBad ? record?.foundBadAt : undefined;
  const isUnchanged = record !== undefined && (added.size === 0 || keepsList === true);
  return {
    archive: name,
    md5: isUnchanged ? record.md5 : null,
    isComplete: isUnchanged && record.isComplete,
    ...(damaged.length > 0 && { damaged }),
    ...(allBroken.length > 0 && { broken: allBroken.sort(byPath) }),
    extractedAt: context.clock.date().toISOString(),
    ...(foundBadAt !== undefined && { foundBadAt }),
    members: [...others(record?.members), ...[...added.values()].map(toMemberRecord)].sort(byPath),
  };
}

function toMemberRecord({ path, size, crc32, state = 'crc-checked' }: PlacedImage): MemberRecord {
  return { path, bytes: size, crc32, state };
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : 1;
}

interface Places {
  /** images/<archive> */
  readonly root: string;
  readonly name: string;
  /** What ccxri has put there before. */
  readonly known: ReadonlySet<string>;
}

/** One by one and from the top: a link among them would lead elsewhere. */
async function makeFolders(members: readonly PlacedImage[], { root, name }: Places): Promise<void> {
  for (const folder of foldersOf(members)) {
    const path = join(root, folder);
    try {
      await mkdir(path);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw toDiskError(error, 'make the directory', { path });
      if ((await lstat(path)).isDirectory()) continue;
      throw occupied(path, name, { what: 'it is no directory', names: [] });
    }
  }
}

/** Every folder that they lie in, parents first, the archive's own included. */
function foldersOf(members: readonly PlacedImage[]): readonly string[] {
  const folders = new Set<string>(['.']);
  for (const { path } of members) {
    for (let folder = dirname(path); !folders.has(folder); folder = dirname(folder)) {
      folders.add(folder);
    }
  }
  return [...folders].sort();
}

async function placeOne(
  path: string,
  { images }: Stage,
  { root, name, known }: Places,
): Promise<void> {
  const [from, to] = [join(images, path), join(root, path)];
  try {
    if (known.has(path)) await rename(from, to);
    else if (!(await tryPlace(from, to))) throw inTheWay(to, name);
  } catch (error) {
    if (!['EISDIR', 'ENOTEMPTY', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw error;
    throw inTheWay(to, name);
  }
}

function inTheWay(path: string, name: string): CcxriError {
  return occupied(path, name, { what: `it is not the image of ${name}`, names: [] });
}
