import { isCcxriError } from '../errors.ts';
import { type ErrorData, toErrorData } from '../threads/error-data.ts';
import type { Member } from './directory.ts';
import type { MemberUnpacker, OpenArchive } from './inflate.ts';

/** Some members of an archive, of which `fitsInMemory` is true. */
export interface LoadTask {
  /** Its descriptor must stay open until the task has ended. */
  readonly archive: OpenArchive;
  readonly members: readonly Member[];
  /** Gets their contents, one behind the other; as long as all of them at least. */
  readonly room: SharedArrayBuffer;
}

/** What is wrong with members, by their number in the task: their place in the room means nothing. */
export type LoadFaults = ReadonlyMap<number, ErrorData>;

/** The messages of a load thread. */
export interface LoadTypes {
  readonly request: LoadTask;
  readonly update: never;
  readonly progress: never;
  readonly result: LoadFaults;
}

/**
 * Unpacks members into memory, each checked: size, CRC-32, use of every packed byte. Blocks its thread.
 * @returns undefined: `isStopped` was true meanwhile
 * @throws CcxriError of the disk
 */
export function loadMembers(
  { archive, members, room }: LoadTask,
  unpacker: MemberUnpacker,
  isStopped: () => boolean,
): LoadFaults | undefined {
  const places = new Map<Member, { readonly number: number; readonly from: number }>();
  let length = 0;
  for (const [number, member] of members.entries()) {
    places.set(member, { number, from: length });
    length += member.size;
  }
  const bytes = new Uint8Array(room, 0, length);
  const faults = new Map<number, ErrorData>();
  for (const { member, checked } of unpacker.contents(archive, members)) {
    if (isStopped()) return undefined;
    const place = places.get(member);
    if (place === undefined) continue;
    try {
      bytes.set(checked(), place.from);
    } catch (error) {
      if (!isCcxriError(error, 'damaged-archive', 'unsafe-archive')) throw error;
      faults.set(place.number, toErrorData(error));
    }
  }
  return faults;
}
