import { join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { type ImagesFound, areImagesSettled, findImages } from '../dataset/images.ts';
import { imagesPathOf } from '../dataset/layout.ts';
import { type MembersRecord, memberStateOf, toMemberContents } from '../dataset/ledger.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { rename } from '../fs/rename.ts';
import { ProgressThrottle } from '../progress-throttle.ts';
import { syncDirectory } from '../fs/atomic.ts';
import { compareContent } from '../fs/content.ts';
import { ImageCheck } from '../fs/image-content.ts';
import { isLink } from '../fs/paths.ts';
import { count, toPrintable } from '../text.ts';
import type { Member } from '../zip/directory.ts';
import type { DamagedMember } from '../events.ts';
import { type BrokenImage, MemberFaults } from '../zip/member-faults.ts';
import { keepOtherImages } from './keep-other-images.ts';
import type { ResizedMembers } from './resize-staged.ts';
import type { Stage } from './stage.ts';
import type { Extraction } from './types.ts';

export interface Publication {
  /** Filled and flushed. */
  readonly stage: Stage;
  readonly members: readonly Member[];
  /** Members that are not in the stage. */
  readonly damaged: readonly DamagedMember[];
  readonly broken: readonly BrokenImage[];
  /** What members were made smaller, with what was written. */
  readonly resized: ResizedMembers | undefined;
  /** An incomplete folder of ours is in the way, and is replaced. */
  readonly replaces: boolean;
}

/**
 * Gives the images their final name. The ledger records them before they appear: a folder that it
 * does not know would be treated as the user's.
 * @returns the ledger's record; `isOurs` false: another run was faster, with the same images
 * @throws CcxriError `occupied`; of the disk
 */
export async function publishImages(
  { stage, replaces, ...noted }: Publication,
  extraction: Extraction,
): Promise<{ readonly record: NewRecord; readonly isOurs: boolean }> {
  const { name, context } = extraction;
  const path = imagesPathOf(context.layout, name);
  const findNow = async () => findImages(context, name, await context.ledger.readReceipt(name));
  const before = replaces ? await findNow() : undefined;
  if (before !== undefined) {
    // Once more: the extraction has taken its time, and what lies in the folder now will be gone.
    await assertOnlyOurs(before, extraction);
    // Moved first: with the new record, what is left of the old images might pass for the new ones.
    await move(path, stage.replaced);
  }
  const record = await recordMembers(noted, extraction);
  try {
    await rename(stage.images, path);
    await syncDirectory(context.layout.images);
    await keepOtherImages(before?.record, { record, replaced: stage.replaced }, context);
    return { record, isOurs: true };
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(errnoOf(error) ?? '')) {
      throw toMoveError(error, path);
    }
    if (areImagesSettled((await findNow()).state)) return { record, isOurs: false };
    throw new CcxriError('occupied', `${path} is in the way: it appeared during the extraction`, {
      file: name,
      path,
      kept: 'everything in it, unchanged',
      next: [{ kind: 'advice', text: `move ${path} away` }, { kind: 'again' }],
      cause: error,
    });
  }
}

type NewRecord = Omit<MembersRecord, 'ledgerVersion'>;

async function recordMembers(
  { members, damaged, broken, resized }: Omit<Publication, 'stage' | 'replaces'>,
  { name, md5, context: { ledger, clock } }: Extraction,
): Promise<NewRecord> {
  const state = memberStateOf(md5, await ledger.readReceipt(name));
  const record: NewRecord = {
    archive: name,
    md5,
    isComplete: damaged.length === 0,
    ...(damaged.length > 0 && { damaged: [...damaged] }),
    ...(broken.length > 0 && { broken: [...broken] }),
    ...(resized && { resized: resized.how }),
    extractedAt: clock.date().toISOString(),
    members: toMemberContents(members).map((member) => {
      const written = resized?.contents.get(member.path);
      return written === undefined
        ? { ...member, state }
        : { ...member, ...written, state: 'resized' as const };
    }),
  };
  await ledger.writeMembers(record);
  return record;
}

async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    throw toMoveError(error, from);
  }
}

function toMoveError(error: unknown, path: string): unknown {
  const errno = errnoOf(error) ?? '';
  if (!['EXDEV', 'ENOENT', 'EBUSY'].includes(errno)) return toDiskError(error, 'move', { path });
  return new CcxriError('disk-io', `could not give the images their place at ${path} (${errno})`, {
    path,
    next: [
      { kind: 'advice', text: 'make sure that no other program writes to the dataset directory' },
      { kind: 'again' },
    ],
    cause: error,
  });
}

/** Files named in a message. */
const MAX_NAMED = 10;
const FILES_AT_ONCE = 4;

/**
 * Adopts images that the ledger does not know, because it was lost, or another tool has unpacked them:
 * each is read, and if all are what the archive holds they are recorded. Other files beside them are
 * ignored.
 * @throws CcxriError `occupied`: not all are; `aborted`; of the disk
 */
export async function adoptImages(
  members: readonly Member[],
  { paths }: ImagesFound,
  extraction: Extraction,
): Promise<NewRecord> {
  const { name, context } = extraction;
  const { layout, onEvent, signal, clock } = context;
  const root = imagesPathOf(layout, name);
  const missing = members.filter((member) => !paths.has(member.name));
  if (missing.length > 0) throw notWhatItHolds(extraction, missing, 'missing');
  const totalBytes = members.reduce((bytes, { size }) => bytes + size, 0);
  const phase = { file: name, phase: 'check', totalBytes } as const;
  const progress = new ProgressThrottle(clock, onEvent);
  onEvent({ event: 'phase-start', ...phase, doneBytes: 0 });
  let doneBytes = 0;
  const different: Member[] = [];
  const faults = new MemberFaults();
  await forEachAtOnce(members, FILES_AT_ONCE, async (member) => {
    throwIfAborted(signal);
    const { name: path, size: bytes, crc32 } = member;
    const picture = new ImageCheck();
    const add = (piece: Uint8Array) => picture.add(piece);
    const comparison = await compareContent(join(root, path), { bytes, crc32 }, add);
    if (comparison !== 'same') different.push(member);
    else faults.addPicture(path, () => picture.fault);
    doneBytes += bytes;
    progress.emit({ ...phase, doneBytes });
  });
  if (different.length > 0) throw notWhatItHolds(extraction, different, 'different');
  faults.sort();
  const record = await recordMembers(
    { members, damaged: [], broken: faults.broken, resized: undefined },
    extraction,
  );
  const done = { bytes: totalBytes, members: members.length };
  onEvent({ event: 'phase-done', file: name, phase: 'check', ...done });
  return record;
}

function notWhatItHolds(
  { name, context: { layout } }: Extraction,
  members: readonly Member[],
  how: 'missing' | 'different',
): CcxriError {
  const path = imagesPathOf(layout, name);
  return occupied(path, name, {
    what: `its files are not those of ${name}: ${count(members.length, 'file')} ${how}`,
    names: members.map((member) => member.name),
  });
}

/**
 * An incomplete or damaged folder of ours is replaced; but what the user has put into it would be lost.
 * @throws CcxriError `occupied`
 */
export async function assertOnlyOurs(
  { paths, record }: ImagesFound,
  { name, context: { layout } }: Extraction,
): Promise<void> {
  const path = imagesPathOf(layout, name);
  await assertNoLink(path, name);
  const ours = new Set((record?.members ?? []).map((member) => member.path));
  const foreign = [...paths].filter((each) => !ours.has(each)).sort();
  if (foreign.length === 0) return;
  throw occupied(path, name, {
    what: `its images are incomplete or damaged, and ${count(foreign.length, 'file')} in it did not come from ${name}`,
    names: foreign,
  });
}

/** Images are not put into a folder that a link leads to. @throws CcxriError `occupied`; of the disk */
export async function assertNoLink(path: string, name: string): Promise<void> {
  if (!(await isLink(path))) return;
  const what = 'it is a link, and what it leads to is incomplete or damaged';
  throw occupied(path, name, { what, names: [] });
}

/** @param names of files in it, below its path */
export function occupied(
  path: string,
  file: string,
  { what, names }: { readonly what: string; readonly names: readonly string[] },
): CcxriError {
  const named = names.slice(0, MAX_NAMED).map((name) => toPrintable(name));
  const more = names.length - named.length;
  return new CcxriError('occupied', `${path} is in the way: ${what}`, {
    file,
    path,
    reasons: more > 0 ? [...named, `and ${more} more`] : named,
    kept: 'everything in it, unchanged',
    next: [{ kind: 'advice', text: `move ${path} away` }, { kind: 'again' }],
  });
}
