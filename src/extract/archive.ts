import {
  type ImagesFound,
  type MembersNoted,
  areImagesSettled,
  damagedMembersError,
  findImages,
  goodOnlyError,
  notedMembers,
  repairStep,
} from '../dataset/images.ts';
import { type MembersRecord, isAsAccepted } from '../dataset/ledger.ts';
import { CcxriError, errnoOf, isCcxriError, toDiskError, withDetails } from '../errors.ts';
import { otherSizeError } from '../dataset/resized.ts';
import { hashFile } from '../hash/hash-file.ts';
import { ProgressThrottle } from '../progress-throttle.ts';
import { freeBytesAt } from '../fs/paths.ts';
import { formatBytes, toPrintable } from '../text.ts';
import { type ZipDirectory, withDirectory } from '../zip/directory.ts';
import { extractMembers } from '../zip/member.ts';
import { type FileReader, openFileReader } from '../zip/reader.ts';
import { isUnread } from '../zip/report.ts';
import type { AcceptedArchive, ExtractContext, Extraction } from './types.ts';
import { resizeStaged } from './resize-staged.ts';
import { adoptImages, assertOnlyOurs, publishImages } from './publish.ts';
import { type Stage, makeStage } from './stage.ts';

export { cleanStage } from './stage.ts';

export interface ExtractedArchive extends MembersNoted {
  /** Images and other files under images/<archive>/. */
  readonly members: number;
  /** `skipped`: they were there already, and are what the archive holds. */
  readonly did: 'extracted' | 'skipped';
  /** Some members are damaged in the archive. Absent where none are. */
  readonly error?: CcxriError | undefined;
}

/**
 * Unpacks an archive that has passed into images/<archive>/, where it appears whole or not at all:
 * checked first, unpacked and checked in a private folder, flushed, renamed last. With `keepGood` that
 * is so of its good members; what was kept of it once is not unpacked again: the same bytes hold no more.
 * @throws CcxriError `unsafe-archive`; `damaged-archive`; `occupied`: there is something under
 *   images/<archive>/ that ccxri did not put there, or the archive changes meanwhile; `disk-space`;
 *   others of the disk; `aborted`. Nothing of the archive is left behind then.
 */
export async function extractArchive(
  archive: AcceptedArchive,
  context: ExtractContext,
): Promise<ExtractedArchive> {
  const { name, path, md5 } = archive;
  const receipt = await context.ledger.readReceipt(name);
  const found = await findImages(context, name, receipt);
  assertSameSize(found, archive);
  if (areImagesSettled(found.state) && found.record?.md5 === md5) {
    return toResult(found.record, 'skipped');
  }
  const extraction: Extraction = { ...archive, receipt, context };
  const reader = await openFileReader(path);
  try {
    assertAsChecked(reader, extraction);
    const { signal } = context;
    return await withDirectory(reader, { file: name, signal }, (directory) =>
      extractFrom(reader, { directory, found }, extraction),
    );
  } catch (error) {
    // Bytes that change while they are read, or have since, explain every other complaint.
    await reader.assertUnchanged();
    if (isCcxriError(error, 'damaged-archive', 'unsafe-archive'))
      await assertStillRight(extraction);
    throw toSourceError(error, name);
  } finally {
    await reader.close();
  }
}

/** @throws CcxriError `usage`: images of another size are here */
function assertSameSize({ state, record }: ImagesFound, { name, resizer }: AcceptedArchive): void {
  const here = record?.resized?.size ?? null;
  const wanted = resizer?.how.size ?? null;
  // Of what the ledger does not know, it is not known that it is smaller.
  if (state !== 'absent' && here !== wanted) throw otherSizeError([{ file: name, here }], wanted);
}

type Result = Pick<MembersRecord, 'archive' | 'members' | 'damaged' | 'broken'>;

function toResult(record: Result, did: ExtractedArchive['did']): ExtractedArchive {
  const { archive, members } = record;
  const noted = notedMembers(archive, record);
  const error = goodOnlyError(archive, members.length, noted);
  return { members: members.length, did, ...noted, ...(error && { error }) };
}

/** The file that was opened must be the one that was hashed. */
function assertAsChecked(opened: FileReader, { receipt, name, md5, path }: Extraction): void {
  if (receipt?.md5 !== md5 || isAsAccepted(receipt, opened)) return;
  throw new CcxriError('changed', `${path} has changed since it was verified`, {
    file: name,
    path,
    expected: `the ${receipt.bytes} bytes that passed on ${receipt.checkedAt.slice(0, 10)}`,
    found: `${opened.sizeBytes} bytes, changed since`,
    next: [
      { kind: 'advice', text: 'wait until the other program has finished writing it' },
      { kind: 'again', purpose: 'to check it again' },
    ],
  });
}

async function extractFrom(
  reader: FileReader,
  { directory, found }: Omit<Work, 'stage'>,
  extraction: Extraction,
): Promise<ExtractedArchive> {
  const { name, context } = extraction;
  for (const warning of directory.warnings) {
    const message = `${name}: ${warning}; this is harmless`;
    context.onEvent({ event: 'warning', code: 'archive-oddity', file: name, message });
  }
  switch (found.state) {
    case 'unknown':
      return toResult(await adoptImages(directory.members, found, extraction), 'skipped');
    case 'complete':
    case 'good-only':
    case 'single':
    case 'partial':
      await assertOnlyOurs(found, extraction);
      break;
    case 'absent':
      break;
  }
  await assertRoom(directory, extraction);
  const stage = await makeStage(context, name);
  try {
    return await fillAndPublish(reader, { directory, stage, found }, extraction);
  } finally {
    // What can't be removed now is a leftover, which the next run removes; the error counts more.
    await stage.remove().catch(() => undefined);
  }
}

/** An estimate went before; now the size is known, and a disk that fills up helps nobody. */
async function assertRoom(
  { totalBytes }: ZipDirectory,
  { name, context: { layout } }: Extraction,
): Promise<void> {
  const freeBytes = await freeBytesAt(layout.images);
  if (freeBytes === null || freeBytes >= totalBytes) return;
  const [need, free] = [formatBytes(totalBytes), formatBytes(freeBytes)];
  throw new CcxriError('disk-space', `${name} takes ${need} unpacked, and ${free} are free`, {
    file: name,
    path: layout.images,
    expected: need,
    found: `${free} free`,
    kept: 'the archive; nothing was unpacked',
    next: [{ kind: 'advice', text: 'free some space' }, { kind: 'again' }],
  });
}

interface Work {
  readonly directory: ZipDirectory;
  readonly stage: Stage;
  readonly found: ImagesFound;
}

async function fillAndPublish(
  reader: FileReader,
  { directory, stage, found }: Work,
  extraction: Extraction,
): Promise<ExtractedArchive> {
  const { name: file, context, keepGood } = extraction;
  const { unpackPool: pool, signal, onEvent, clock } = context;
  const phase = { file, phase: 'extract', totalBytes: directory.totalBytes } as const;
  const progress = new ProgressThrottle(clock, onEvent);
  onEvent({ event: 'phase-start', ...phase, doneBytes: 0 });
  const { damaged, broken } = await extractMembers(reader, directory, {
    file,
    into: stage.images,
    pool,
    signal,
    keepGood,
    onBytes: (doneBytes) => progress.emit({ ...phase, doneBytes }),
  }).catch((error: unknown) => {
    throw toMemberError(toStageError(error, stage.images));
  });
  await reader.assertUnchanged();
  if (damaged.length > 0) await assertStillRight(extraction);
  const bad = new Set(damaged.map(({ path }) => path));
  const members = directory.members.filter(({ name }) => !bad.has(name));
  if (members.length === 0) throw damagedMembersError(file, damaged, { good: 0 });
  const resized = await resizeStaged(stage.images, members, extraction);
  const { record, isOurs } = await publishImages(
    { stage, members, resized, damaged, broken, replaces: found.paths.size > 0 },
    extraction,
  );
  const bytes = members.reduce((sum, { size }) => sum + size, 0);
  onEvent({ event: 'phase-done', file, phase: 'extract', bytes, members: members.length });
  return toResult(record, isOurs ? 'extracted' : 'skipped');
}

/**
 * An archive that a disk has damaged since has its size and time: its MD5 shows it.
 * @throws CcxriError `md5-mismatch`; as `hashFile`
 */
async function assertStillRight(extraction: Extraction): Promise<void> {
  const { name, path, md5, receipt, context } = extraction;
  if (receipt?.md5 !== md5) return;
  const { ledger, clock, signal } = context;
  const found = await hashFile(path, { signal });
  if (found.md5 === md5) return;
  await ledger.noteFoundBad(receipt, clock.date());
  throw new CcxriError('md5-mismatch', `${name} had passed, and is damaged now`, {
    file: name,
    expected: `MD5 ${md5}`,
    found: `MD5 ${found.md5}`,
    kept: 'nothing was unpacked',
    next: [repairStep(name)],
  });
}

/** A member is damaged: others may be good. */
function toMemberError(error: unknown): unknown {
  if (!isCcxriError(error, 'damaged-archive')) return error;
  const purpose = 'to publish the members that are good';
  return withDetails(error, { next: [{ kind: 'option', option: 'keep-good', purpose }] });
}

/** What only happens where somebody else removes or writes our private folder. */
function toStageError(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (isCcxriError(error) || errno === undefined || !/^E[A-Z]+$/.test(errno)) return error;
  return new CcxriError('disk-io', `could not write in ${toPrintable(path)} (${errno})`, {
    path,
    next: [
      {
        kind: 'advice',
        text: 'make sure the disk is mounted and no other program writes to it',
      },
      { kind: 'again' },
    ],
    cause: error,
  });
}

/** The archive's MD5 is right: what is wrong inside it was wrong when it was published. */
function toSourceError(error: unknown, file: string): unknown {
  if (isCcxriError(error, 'unsafe-archive')) {
    return withDetails(error, {
      next: [
        {
          kind: 'advice',
          text: 'do not use it: it was published like this, and every source has the same; report it to the publisher',
        },
      ],
    });
  }
  // Packed in a way that ccxri does not read: there is nothing wrong with it.
  if (isUnread(error)) return error;
  if (!isCcxriError(error, 'damaged-archive')) return toDiskError(error, 'unpack', { file });
  return withDetails(error, {
    message: `${error.message}, though the archive has passed`,
    next: [
      {
        kind: 'advice',
        text: 'report it to the publisher: it was published like this, and downloading it again will not help',
      },
      // What helps is known where a member is damaged.
      ...error.next.filter((step) => step.kind === 'option' && step.option === 'keep-good'),
    ],
  });
}
