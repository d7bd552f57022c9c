import { systemClock, type Clock } from '../clock.ts';
import { followHere, type FollowFile } from './hash-follower.ts';

/** What writes a part, beside the disk. */
export interface PartTools {
  /** Hashes it behind its writers. Default: in this thread. */
  readonly follow: FollowFile;
  /** Says when what has come is to be flushed, be it little. Default: the system's. */
  readonly clock: Pick<Clock, 'nowMs'>;
}

export const DEFAULT_TOOLS: PartTools = { follow: followHere, clock: systemClock };
