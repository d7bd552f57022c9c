import { join } from 'node:path';
import { CcxriError, type NextStep } from '../errors.ts';
import { compareLength } from '../fs/content.ts';
import { pathKind, walkFolder } from '../fs/paths.ts';
import { stemOf } from '../manifest/manifest.ts';
import { count, toPrintable } from '../text.ts';
import { foldName } from '../zip/names.ts';
import type { DamagedMember } from '../events.ts';
import type { BrokenImage } from '../zip/member-faults.ts';
import { type DatasetLayout, imagesPathOf } from './layout.ts';
import type { Ledger, MemberContent, MemberRecord, MembersRecord, Receipt } from './ledger.ts';

/**
 * `complete`: every member of the archive is there; `good-only`: so is every member that is good in the
 * archive, and the ledger knows the damaged ones; `single`: there are single images, fetched without the
 * archive, and all that the ledger knows; `partial`: some are missing, or `verify` has found
 * some damaged, or they came from another archive than the one that has passed; `absent`: no folder, or
 * an empty one; `unknown`: something is there that the ledger does not know.
 */
export type ImagesState = 'complete' | 'good-only' | 'single' | 'partial' | 'absent' | 'unknown';

/** Whether an extraction would change nothing. */
export function areImagesSettled(state: ImagesState): boolean {
  return state === 'complete' || state === 'good-only';
}

/** An archive's folder under images/, and what the ledger knows of it. */
export interface ImagesFound {
  readonly state: ImagesState;
  /** Paths below the folder, with `/`; empty where there is no folder. */
  readonly paths: ReadonlySet<string>;
  readonly record: MembersRecord | undefined;
}

/** What an extraction puts into an archive's folder; undefined: the ledger does not know all of it. */
export function allMembersOf(
  record: MembersRecord | undefined,
): readonly MemberContent[] | undefined {
  if (record === undefined || areSingle(record)) return undefined;
  return record.isComplete || hasDamaged(record) ? record.members : undefined;
}

/** Whether its images were fetched without the archive, or some of them were: no MD5 speaks of all. */
export function areSingle(record: Pick<MembersRecord, 'md5'> | undefined): boolean {
  return record?.md5 === null;
}

/** Members that were adopted by their names: nothing is known that they could be checked by. */
export function namedOf({
  members,
}: {
  readonly members: readonly MemberRecord[];
}): readonly MemberRecord[] {
  return members.filter(({ state }) => state === 'named');
}

function hasDamaged({ damaged = [] }: MembersRecord): boolean {
  return damaged.length > 0;
}

/**
 * The files in an archive's folder that are none of its members. A disk may list a member under another
 * form of its name; but each member is one file only, so that a copy of it is another.
 * @param paths below the folder
 * @param keyOf the same for all forms that the name of a member may have
 */
export function findUnexpected(
  paths: readonly string[],
  members: readonly Pick<MemberContent, 'path'>[],
  keyOf: (path: string) => string = foldName,
): readonly string[] {
  const own = new Set(members.map(({ path }) => path));
  const others = paths.filter((path) => !own.has(path));
  if (others.length === 0) return others;
  for (const path of paths) own.delete(path);
  const wanted = new Map<string, number>();
  for (const path of own) wanted.set(keyOf(path), (wanted.get(keyOf(path)) ?? 0) + 1);
  return others.filter((path) => {
    const left = wanted.get(keyOf(path)) ?? 0;
    wanted.set(keyOf(path), left - 1);
    return left <= 0;
  });
}

/**
 * Members whose size is compared: all 162,000 would take seconds, and what this looks for (a folder that
 * was truncated, emptied, half copied) already shows in the names. `verify --deep` reads every one.
 */
const SIZES_COMPARED = 24;

/**
 * By names and sizes, without reading an image.
 * @param receipt of the archive, as the ledger has it
 * @throws CcxriError of the disk
 */
export async function findImages(
  { layout, ledger }: { readonly layout: DatasetLayout; readonly ledger: Ledger },
  archiveName: string,
  receipt: Receipt | undefined,
): Promise<ImagesFound> {
  const root = imagesPathOf(layout, archiveName);
  const kind = await pathKind(root);
  const isFolder = kind === 'directory' || kind === 'nothing';
  const paths = new Set<string>();
  if (isFolder) {
    for await (const { path, entry } of walkFolder(root)) if (!entry.isDirectory()) paths.add(path);
  }
  const record = await ledger.readMembers(archiveName);
  const state = async (): Promise<ImagesState> => {
    if (!isFolder) return 'unknown';
    if (paths.size === 0) return 'absent';
    if (record === undefined) return 'unknown';
    if (record.foundBadAt !== undefined) return 'partial';
    const isSingle = areSingle(record);
    if (!isSingle && allMembersOf(record) === undefined) return 'partial';
    if (!isSingle && receipt !== undefined && receipt.md5 !== record.md5) return 'partial';
    if (!record.members.every(({ path }) => paths.has(path))) return 'partial';
    if (!(await haveTheirSizes(root, sample(record.members)))) return 'partial';
    if (isSingle) return 'single';
    return hasDamaged(record) ? 'good-only' : 'complete';
  };
  return { state: await state(), paths, record };
}

/** Evenly spread, with the first and the last. */
function sample(members: readonly MemberContent[]): readonly MemberContent[] {
  const step = Math.max(1, (members.length - 1) / (SIZES_COMPARED - 1));
  const picked = new Set<MemberContent>();
  for (let at = 0; at < SIZES_COMPARED; at += 1) {
    const member = members[Math.round(at * step)];
    if (member !== undefined) picked.add(member);
  }
  return [...picked];
}

async function haveTheirSizes(root: string, members: readonly MemberContent[]): Promise<boolean> {
  const compared = await Promise.all(
    members.map((member) => compareLength(join(root, member.path), member)),
  );
  return compared.every((comparison) => comparison === 'same');
}

/** Reasons in an error; the ledger and the outcome have all of them. */
const MAX_REASONS = 20;

/** What to do about an archive that is damaged, and has the published MD5. */
export const REPORT_IT: NextStep = {
  kind: 'advice',
  text: 'report it to the publisher: it was published like this, and downloading it again will not help',
};

/** What to do about a file that is damaged here, and right at its source. @param name manifest name */
export function repairStep(name: string): NextStep {
  const purpose = 'to download what is wrong with it';
  return { kind: 'run', command: 'repair', files: [stemOf(name)], purpose };
}

/**
 * An archive that has passed, and has members that can't be unpacked.
 * @param good members that are all right
 * @param kept what of it is here, in words; absent: nothing
 */
export function damagedMembersError(
  file: string,
  damaged: readonly DamagedMember[],
  { good, kept }: { readonly good: number; readonly kept?: string | undefined },
): CcxriError {
  const reasons = damaged
    .slice(0, MAX_REASONS)
    .map(({ path, why }) => `${toPrintable(path, 120)}: ${why}`);
  const more = damaged.length - reasons.length;
  const bad = count(damaged.length, 'member is', 'members are');
  const first = `${toPrintable(damaged[0]?.path ?? '', 120)}${damaged.length > 1 ? ', …' : ''}`;
  return new CcxriError('damaged-archive', `${file}: ${bad} damaged as published (${first})`, {
    file,
    expected: count(good + damaged.length, 'member'),
    found: count(good, 'good one'),
    kept: kept ?? 'nothing was unpacked',
    reasons: more > 0 ? [...reasons, `and ${more} more`] : reasons,
    next: [REPORT_IT],
  });
}

/** undefined: all members of the archive are here. @param good members that are here */
export function goodOnlyError(
  file: string,
  good: number,
  { damagedMembers }: Pick<MembersNoted, 'damagedMembers'>,
): CcxriError | undefined {
  if (damagedMembers.length === 0) return undefined;
  const kept = `${count(good, 'good one')}, in images/${stemOf(file)}`;
  return damagedMembersError(file, damagedMembers, { good, kept });
}

/** What an extraction noticed about members, with their paths as users see them. */
export interface MembersNoted {
  /**
   * Members that are damaged in the archive and were left out, relative to the dataset directory. Empty
   * where there are none, or nothing was extracted.
   */
  readonly damagedMembers: readonly DamagedMember[];
  /**
   * Images that are as published, and empty, cut or no image, relative to the dataset directory. Empty
   * where there are none, or it is not known.
   */
  readonly brokenImages: readonly BrokenImage[];
}

export const NOTHING_NOTED: MembersNoted = { damagedMembers: [], brokenImages: [] };

export function notedMembers(
  archiveName: string,
  { damaged = [], broken = [] }: Pick<MembersRecord, 'damaged' | 'broken'>,
): MembersNoted {
  const below = `images/${stemOf(archiveName)}`;
  const place = <T extends { readonly path: string }>(each: T) => ({
    ...each,
    path: `${below}/${each.path}`,
  });
  return { damagedMembers: damaged.map(place), brokenImages: broken.map(place) };
}
