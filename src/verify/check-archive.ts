import type { Clock } from '../clock.ts';
import { type MemberContent, toMemberContents } from '../dataset/ledger.ts';
import { type EventListener, ProgressThrottle } from '../events.ts';
import { type ZipDirectory, withDirectory } from '../zip/directory.ts';
import { checkMembers } from '../zip/member.ts';
import { type FileReader, openFileReader } from '../zip/reader.ts';
import type { UnpackPool } from '../zip/unpack-pool.ts';

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
  readonly members: readonly MemberContent[];
}

/**
 * Checks an archive's directory, and unpacks every member into nothing.
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
        members: context.hasImages ? toMemberContents(members) : [],
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
  let reportedBytes = 0;
  await checkMembers(reader, directory, {
    file,
    pool,
    openFile: reader.openFile,
    signal,
    onBytes: (doneBytes) => {
      progress.add(doneBytes - reportedBytes);
      reportedBytes = doneBytes;
    },
  });
  await reader.assertUnchanged();
  for (const { compressedSize } of directory.members) meter.bytesRead += compressedSize;
}

/** Bytes read in a run, whatever for. */
export interface ReadMeter {
  bytesRead: number;
}

/** Tells of an archive's phase `check`: its members, then its extracted images, as one. */
export class CheckProgress {
  readonly #file: string;
  readonly #onEvent: EventListener;
  readonly #progress: ProgressThrottle;
  #doneBytes = 0;
  #totalBytes: number | null = null;

  constructor(file: string, context: { readonly clock: Clock; readonly onEvent: EventListener }) {
    this.#file = file;
    this.#onEvent = context.onEvent;
    this.#progress = new ProgressThrottle(context.clock, context.onEvent);
  }

  /** The first call counts. @param totalBytes unpacked, of all that will be checked */
  begin(totalBytes: number): void {
    if (this.#totalBytes !== null) return;
    this.#totalBytes = totalBytes;
    this.#onEvent({ event: 'phase-start', ...this.#now() });
  }

  add(bytes: number): void {
    this.#doneBytes += bytes;
    this.#progress.emit(this.#now());
  }

  end(members: number): void {
    if (this.#totalBytes === null) return;
    const { file, phase, doneBytes: bytes } = this.#now();
    this.#onEvent({ event: 'phase-done', file, phase, bytes, members });
  }

  #now() {
    return {
      file: this.#file,
      phase: 'check',
      doneBytes: this.#doneBytes,
      totalBytes: this.#totalBytes,
    } as const;
  }
}
