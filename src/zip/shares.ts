import type { Member } from './directory.ts';

/** A thread is given so much at a time; less where an archive would be done by some threads alone. */
const MAX_SHARE_BYTES = 32 * 1024 * 1024;
const MIN_SHARE_BYTES = 4 * 1024 * 1024;
/** Its files are open until all of them are written. */
const MAX_SHARE_MEMBERS = 64;

/**
 * Members in shares, neighbours together.
 * @param threads that there are for them
 */
export function sharesOf(
  members: readonly Member[],
  threads: number,
): readonly (readonly Member[])[] {
  const totalBytes = members.reduce((bytes, member) => bytes + bytesOf(member), 0);
  const wantedBytes = Math.ceil(totalBytes / (2 * threads));
  const shareBytes = Math.min(MAX_SHARE_BYTES, Math.max(MIN_SHARE_BYTES, wantedBytes));
  const shares: Member[][] = [];
  let bytes = Infinity;
  for (const member of members) {
    let share = shares.at(-1);
    if (share === undefined || bytes >= shareBytes || share.length >= MAX_SHARE_MEMBERS) {
      share = [];
      shares.push(share);
      bytes = 0;
    }
    share.push(member);
    bytes += bytesOf(member);
  }
  return shares;
}

/** What takes time. */
function bytesOf({ size, compressedSize }: Member): number {
  return Math.max(size, compressedSize);
}
