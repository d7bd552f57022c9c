import { join } from 'node:path';
import type { ImageFault } from '../fs/image-content.ts';
import { toPrintable } from '../text.ts';
import type { MemberFaults } from '../zip/member-faults.ts';
import { checkMembers, extractMembers } from '../zip/member.ts';
import type { CheckPhase } from './check-phase.ts';
import type { Bundle, ImageFind } from './image-finds.ts';
import type { AdoptRun } from './run.ts';
import type { TakeItem, Taken } from './take-task.ts';
import type { LeftWhy } from './types.ts';

/** What came of an image. */
export type TakeEnd =
  | {
      readonly kind: 'taken';
      readonly find: ImageFind;
      readonly bytes: number;
      readonly crc32: number;
      readonly fault: ImageFault | null;
      /** Of the found file; null of a member. */
      readonly mtimeMs: number | null;
    }
  | {
      readonly kind: 'left';
      readonly find: ImageFind;
      readonly why: LeftWhy;
      readonly message: string | null;
    };

interface TakeContext {
  readonly run: AdoptRun;
  readonly phase: CheckPhase;
}

/** Those of the images that are files. @param into null: they are only read */
export async function takeFiles(
  finds: readonly ImageFind[],
  into: string | null,
  { run, phase }: TakeContext,
): Promise<readonly TakeEnd[]> {
  const files = finds.filter(({ place }) => place.kind === 'file');
  const items = files.map(({ path, target, expected }): TakeItem => ({
    from: path,
    to: into === null ? null : join(into, target),
    bytes: expected?.bytes ?? null,
    crc32: expected?.crc32 ?? null,
    mayLink: run.link !== 'copy',
  }));
  const onBytes = (bytes: number) => phase.add(bytes);
  const taken = await run.takePool.take(items, { signal: run.session.signal, onBytes });
  return taken.flatMap((one, at) => {
    const find = files[at];
    return find === undefined ? [] : [endOf(find, one)];
  });
}

function endOf(find: ImageFind, taken: Taken): TakeEnd {
  switch (taken.kind) {
    case 'taken':
      return { ...taken, find };
    case 'unreadable':
      return { kind: 'left', find, why: 'unreadable', message: taken.why };
    case 'differs': {
      const which = taken.crc32 === null ? 'length' : 'CRC-32';
      const message = `its ${which} is not that of the image in its archive`;
      return { kind: 'left', find, why: 'differs', message };
    }
  }
}

/** Those that are in zips: unpacked there, each checked by the CRC-32 that the zip has for it. */
export async function takeMembers(
  finds: readonly ImageFind[],
  into: string | null,
  { run, phase }: TakeContext,
): Promise<readonly TakeEnd[]> {
  const byBundle = new Map<Bundle, ImageFind[]>();
  for (const find of finds) {
    if (find.place.kind !== 'member') continue;
    const { bundle } = find.place;
    const others = byBundle.get(bundle);
    if (others === undefined) byBundle.set(bundle, [find]);
    else others.push(find);
  }
  const ends: TakeEnd[] = [];
  for (const [bundle, some] of byBundle) {
    const faults = await unpack(bundle, some, into, { run, phase });
    const damaged = new Map(faults.damaged.map(({ path, why }) => [path, why]));
    const broken = new Map(faults.broken.map(({ path, why }) => [path, why]));
    for (const find of some) {
      if (find.place.kind !== 'member') continue;
      const { size: bytes, crc32 } = find.place.member;
      const why = damaged.get(find.target);
      const fault = broken.get(find.target) ?? null;
      ends.push(
        why === undefined
          ? { kind: 'taken', find, bytes, crc32, fault, mtimeMs: null }
          : { kind: 'left', find, why: 'damaged', message: why },
      );
    }
  }
  return ends;
}

async function unpack(
  { path, reader }: Bundle,
  finds: readonly ImageFind[],
  into: string | null,
  { run, phase }: TakeContext,
): Promise<MemberFaults> {
  const members = finds.flatMap(({ place, target: name }) =>
    place.kind === 'member' ? [{ ...place.member, name }] : [],
  );
  // By offset, so that the zip is read front to back.
  members.sort((a, b) => a.dataStart - b.dataStart);
  const { signal, unpackPool: pool } = run.session;
  let doneBytes = 0;
  const onBytes = (bytes: number) => {
    phase.add(bytes - doneBytes);
    doneBytes = bytes;
  };
  const options = { file: toPrintable(path), signal, pool, keepGood: true, onBytes };
  const faults =
    into === null
      ? await checkMembers(reader, { members }, options)
      : await extractMembers(reader, { members }, { ...options, into });
  await reader.assertUnchanged();
  return faults;
}
