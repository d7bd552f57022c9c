import type { Clock } from '../clock.ts';
import { damagedMembersError } from '../dataset/images.ts';
import { type MemberContent, toMemberContents } from '../dataset/ledger.ts';
import type { EventListener } from '../events.ts';
import { ProgressThrottle } from '../progress-throttle.ts';
import { withDirectory } from '../zip/directory.ts';
import { checkMembers } from '../zip/member.ts';
import type { BrokenImage } from '../zip/member-faults.ts';
import { openFileReader } from '../zip/reader.ts';
import type { Present, VerifyRun } from './types.ts';

interface CheckedArchive {
  readonly memberCount: number;
  readonly broken: readonly BrokenImage[];
  /** As they should lie in the folder of its images; none where there is no such folder. */
  readonly members: readonly MemberContent[];
}

/** What a deep check adds to: it goes on to the extracted images. */
export interface DeepCheck {
  readonly run: VerifyRun;
  readonly progress: CheckProgress;
}

/**
 * Checks an archive's directory, and unpacks every member into nothing.
 * @throws CcxriError `unsafe-archive`, `damaged-archive`, with all members that are damaged; `changed`; of
 *   the disk
 */
export async function checkArchive(
  { file: { name: file }, here: { path }, images }: Present,
  { run, progress }: DeepCheck,
): Promise<CheckedArchive> {
  const { onEvent, unpackPool: pool, signal } = run.session;
  const hasImages = images !== undefined;
  const reader = await openFileReader(path);
  try {
    return await withDirectory(reader, { file, signal }, async (directory) => {
      const { members, warnings, totalBytes } = directory;
      for (const message of warnings) {
        onEvent({ event: 'warning', code: 'archive-oddity', file, message });
      }
      progress.begin(totalBytes * (hasImages ? 2 : 1));
      let reportedBytes = 0;
      const { damaged, broken } = await checkMembers(reader, directory, {
        keepGood: true,
        file,
        pool,
        signal,
        onBytes: (doneBytes) => {
          progress.add(doneBytes - reportedBytes);
          reportedBytes = doneBytes;
        },
      });
      await reader.assertUnchanged();
      for (const { compressedSize } of members) run.meter.bytesRead += compressedSize;
      if (damaged.length > 0) {
        throw damagedMembersError(file, damaged, { good: members.length - damaged.length });
      }
      return {
        memberCount: members.length,
        members: hasImages ? toMemberContents(members) : [],
        broken,
      };
    });
  } finally {
    await reader.close();
  }
}

/** Emits the progress of an archive's phase `check`: its members, then its extracted images, as one. */
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
