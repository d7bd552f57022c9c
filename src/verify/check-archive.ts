import type { MemberRecord } from '../dataset/ledger-schema.ts';
import type { EventListener } from '../events.ts';
import type { ZipDirectory } from '../zip/directory.ts';
import { checkMembers, toMemberRecords } from '../zip/member.ts';
import { openFileReader, type FileReader } from '../zip/reader.ts';
import type { UnpackPool } from '../zip/unpack-pool.ts';
import { withDirectory } from '../zip/with-directory.ts';
import type { CheckProgress, ReadMeter } from './check-progress.ts';

interface CheckArchiveContext {
  readonly onEvent: EventListener;
  readonly unpackPool: UnpackPool;
  readonly signal: AbortSignal;
  readonly meter: ReadMeter;
  readonly progress: CheckProgress;
  /** Are the extracted images checked after this, too? */
  readonly hasImages: boolean;
}

interface CheckedArchive {
  readonly memberCount: number;
  /** As they should lie in the folder of its images; none where there is no such folder. */
  readonly members: readonly MemberRecord[];
}

/**
 * Judges an archive's directory, and unpacks every member into nothing.
 * @param file manifest name
 * @throws CcxriError `unsafe-archive`, `damaged-archive`; `occupied`: it changed meanwhile; of the disk
 */
export async function checkArchive(
  file: string,
  path: string,
  context: CheckArchiveContext,
): Promise<CheckedArchive> {
  const reader = await openFileReader(path);
  try {
    const { signal } = context;
    return await withDirectory(reader, { file, signal }, async (directory) => {
      await checkAll(reader, { file, directory }, context);
      const { members } = directory;
      return {
        memberCount: members.length,
        members: context.hasImages ? toMemberRecords(members) : [],
      };
    });
  } finally {
    await reader.close();
  }
}

async function checkAll(
  reader: FileReader,
  { file, directory }: { readonly file: string; readonly directory: ZipDirectory },
  { onEvent, unpackPool: pool, signal, meter, progress, hasImages }: CheckArchiveContext,
): Promise<void> {
  for (const message of directory.warnings) {
    onEvent({ event: 'warning', code: 'archive-oddity', file, message });
  }
  progress.begin(directory.totalBytes * (hasImages ? 2 : 1));
  let toldBytes = 0;
  await checkMembers(reader, directory, {
    file,
    pool,
    signal,
    onBytes: (doneBytes) => {
      progress.add(doneBytes - toldBytes);
      toldBytes = doneBytes;
    },
  });
  await reader.assertUnchanged();
  for (const { compressedSize } of directory.members) meter.bytesRead += compressedSize;
}
