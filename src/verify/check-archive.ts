import type { MemberRecord } from '../disk/ledger-schema.ts';
import type { EventListener } from '../events.ts';
import { readDirectory } from '../zip/directory.ts';
import { checkMembers } from '../zip/member.ts';
import { openFileReader } from '../zip/random-reader.ts';
import type { UnpackPool } from '../zip/unpack-pool.ts';
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

/**
 * Judges an archive's directory, and unpacks every member into nothing.
 * @param file manifest name
 * @returns what lies in it, as it should lie in the folder of its images
 * @throws CcxriError `unsafe-archive`, `damaged-archive`; `occupied`: it changed meanwhile; of the disk
 */
export async function checkArchive(
  file: string,
  path: string,
  context: CheckArchiveContext,
): Promise<readonly MemberRecord[]> {
  const { onEvent, unpackPool: pool, signal, meter, progress } = context;
  const reader = await openFileReader(path);
  try {
    const directory = await readDirectory(reader, { file, signal });
    for (const message of directory.warnings) {
      onEvent({ event: 'warning', code: 'archive-oddity', file, message });
    }
    progress.begin(directory.totalBytes * (context.hasImages ? 2 : 1));
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
    return directory.members.map(({ name, size, crc32 }) => ({ path: name, bytes: size, crc32 }));
  } finally {
    await reader.close();
  }
}
