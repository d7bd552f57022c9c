import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { systemClock } from '../clock.ts';
import { compareContent } from '../fs/content.ts';
import { imagesPathOf } from '../dataset/layout.ts';
import { CcxriError, toDiskError } from '../errors.ts';
import { count, toPrintable } from '../text.ts';
import type { Member } from '../zip/directory.ts';
import { toMemberRecords } from '../zip/member.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { ProgressTeller } from '../download/context.ts';
import type { ExtractArchiveOptions } from './archive.ts';
import type { ImagesFound } from '../dataset/images.ts';

/** More would not be read. */
const MAX_NAMED = 10;
const FILES_AT_ONCE = 4;

/**
 * Images that lie there without the ledger's knowing, because it was lost, or another tool has
 * unpacked them: each is read, and if all are what the archive holds the ledger takes note of them.
 * Other files beside them do no harm.
 * @throws CcxriError `occupied`: not all are; `aborted`; of the disk
 */
export async function adoptImages(
  members: readonly Member[],
  { paths }: ImagesFound,
  options: ExtractArchiveOptions,
): Promise<void> {
  const { layout, ledger, name, md5, onEvent, signal, date } = options;
  const root = imagesPathOf(layout, name);
  const missing = members.filter((member) => !paths.has(member.name));
  if (missing.length > 0) throw notWhatItHolds(options, missing, 'missing');
  const totalBytes = members.reduce((bytes, { size }) => bytes + size, 0);
  const phase = { file: name, phase: 'check', totalBytes } as const;
  const progress = new ProgressTeller(systemClock, onEvent);
  onEvent({ event: 'phase-start', ...phase, doneBytes: 0 });
  let doneBytes = 0;
  const different: Member[] = [];
  await forEachAtOnce(members, FILES_AT_ONCE, async (member) => {
    throwIfAborted(signal);
    const { name: path, size: bytes, crc32 } = member;
    const comparison = await compareContent(join(root, path), { bytes, crc32 });
    if (comparison !== 'same') different.push(member);
    doneBytes += bytes;
    progress.tell({ ...phase, doneBytes });
  });
  if (different.length > 0) throw notWhatItHolds(options, different, 'different');
  await ledger.writeMembers({
    archive: name,
    md5,
    extractedAt: date().toISOString(),
    members: toMemberRecords(members),
  });
  const done = { bytes: totalBytes, members: members.length };
  onEvent({ event: 'phase-done', file: name, phase: 'check', ...done });
}

function notWhatItHolds(
  { layout, name }: ExtractArchiveOptions,
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
  { layout, name }: ExtractArchiveOptions,
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

/** @throws CcxriError of the disk */
export async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    throw toDiskError(error, 'look at', { path });
  }
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
    hint: `move ${path} away, then run the same command again`,
  });
}
