import { systemClock, type Clock } from '../clock.ts';
import { followHere, type FollowFile } from '../hash/hash-follower.ts';
import { writeHere, type WriteChunks } from './writer.ts';

/** What a part is made with. */
export interface PartTools {
  /** Hashes it behind its writers. Default: in this thread. */
  readonly follow: FollowFile;
  /** Default: by Node's own means. */
  readonly write: WriteChunks;
  /** Says when what has come is to be flushed, be it little. Default: the system's. */
  readonly clock: Pick<Clock, 'nowMs'>;
}

export const DEFAULT_TOOLS: PartTools = {
  follow: followHere,
  write: writeHere,
  clock: systemClock,
};
