import type { DamagedMember } from '../events.ts';
import { type ImageFault, isPicture } from '../fs/image-content.ts';

/** A picture that is as it was published, and broken. */
export interface BrokenImage {
  /** Of an outcome: relative to the dataset directory. Else its name below images/<archive>/. */
  readonly path: string;
  /** What is wrong with it. */
  readonly why: ImageFault;
}

/** What was noticed about members while they were unpacked, and does not end the work. */
export class MemberFaults {
  /** Only where the caller keeps the good ones; else the first is thrown. */
  readonly damaged: DamagedMember[] = [];
  readonly broken: BrokenImage[] = [];

  addPicture(path: string, judge: () => ImageFault | undefined): void {
    const why = isPicture(path) ? judge() : undefined;
    if (why !== undefined) this.broken.push({ path, why });
  }

  addAll({ damaged, broken }: Pick<MemberFaults, 'damaged' | 'broken'>): void {
    this.damaged.push(...damaged);
    this.broken.push(...broken);
  }

  /** Parts of an archive end in any order. */
  sort(): void {
    for (const list of [this.damaged, this.broken]) {
      list.sort((a, b) => (a.path < b.path ? -1 : 1));
    }
  }
}
