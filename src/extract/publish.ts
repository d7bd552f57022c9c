import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { type ImagesFound, findImages } from '../dataset/images.ts';
import { imagesPathOf } from '../dataset/layout.ts';
import { memberStateOf, toMemberContents } from '../dataset/ledger.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { ProgressThrottle } from '../events.ts';
import { syncDirectory } from '../fs/atomic.ts';
import { compareContent } from '../fs/content.ts';
import { isLink } from '../fs/paths.ts';
import { count, toPrintable } from '../text.ts';
import type { Member } from '../zip/directory.ts';
import type { Stage } from './stage.ts';
import type { Extraction } from './types.ts';

export interface Publication {
  /** Filled and flushed. */
  readonly stage: Stage;
  readonly members: readonly Member[];
  /** An incomplete folder of ours is in the way, and is replaced. */
  readonly replaces: boolean;
}

/**
 * Gives the images their final name. The ledger records them before they appear: a folder that it
 * does not know would be treated as the user's.
 * @returns false: another run was faster, with the same images
 * @throws CcxriError `occupied`; of the disk
 */
export async function publishImages(
  { stage, members, replaces }: Publication,
  extraction: Extraction,
): Promise<boolean> {
  const { name, context } = extraction;
  const path = imagesPathOf(context.layout, name);
  const findNow = async () => findImages(context, name, await context.ledger.readReceipt(name));
  if (replaces) {
    // Once more: the extraction has taken its time, and what lies in the folder now will be gone.
    await assertOnlyOurs(await findNow(), extraction);
    // Moved first: with the new record, what is left of the old images might pass for the new ones.
    await move(path, stage.replaced);
  }
  await recordMembers(members, extraction);
  try {
    await rename(stage.images, path);
    await syncDirectory(context.layout.images);
    return true;
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(errnoOf(error) ?? '')) {
      throw toMoveError(error, path);
    }
    if ((await findNow()).state === 'complete') return false;
    throw new CcxriError('occupied', `${path} is in the way: it appeared during the extraction`, {
      file: name,
      path,
      kept: 'everything in it, as it is',
      next: [{ kind: 'advice', text: `move ${path} away` }, { kind: 'again' }],
      cause: error,
    });
  }
}

async function recordMembers(
  members: readonly Member[],
  { name, md5, context: { ledger, clock } }: Extraction,
): Promise<void> {
  const state = memberStateOf(md5, await ledger.readReceipt(name));
  await ledger.writeMembers({
    archive: name,
    md5,
    isComplete: true,
    extractedAt: clock.date().toISOString(),
    members: toMemberContents(members).map((member) => ({ ...member, state })),
  });
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
): Promise<void> {
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
  await forEachAtOnce(members, FILES_AT_ONCE, async (member) => {
    throwIfAborted(signal);
    const { name: path, size: bytes, crc32 } = member;
    const comparison = await compareContent(join(root, path), { bytes, crc32 });
    if (comparison !== 'same') different.push(member);
    doneBytes += bytes;
    progress.emit({ ...phase, doneBytes });
  });
  if (different.length > 0) throw notWhatItHolds(extraction, different, 'different');
  await recordMembers(members, extraction);
  const done = { bytes: totalBytes, members: members.length };
  onEvent({ event: 'phase-done', file: name, phase: 'check', ...done });
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
  if (await isLink(path)) {
    const what = 'it is a link, and what it leads to is incomplete or damaged';
    throw occupied(path, name, { what, names: [] });
  }
  const ours = new Set((record?.members ?? []).map((member) => member.path));
  const foreign = [...paths].filter((each) => !ours.has(each)).sort();
  if (foreign.length === 0) return;
  throw occupied(path, name, {
    what: `its images are incomplete or damaged, and ${count(foreign.length, 'file')} in it did not come from ${name}`,
    names: foreign,
  });
}

function occupied(
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
    kept: 'everything in it, as it is',
    next: [{ kind: 'advice', text: `move ${path} away` }, { kind: 'again' }],
  });
}
