import { join } from 'node:path';
import { compareLength } from '../fs/content.ts';
import { pathKind, walkFolder } from '../fs/paths.ts';
import { type DatasetLayout, imagesPathOf } from './layout.ts';
import type { Ledger, MemberContent, MembersRecord, Receipt } from './ledger.ts';

/**
 * `complete`: every member in the ledger is there; `partial`: some are missing, or `verify` has found
 * some damaged, or they came from another archive than the one that has passed; `absent`: no folder, or
 * an empty one; `unknown`: something is there that the ledger does not know.
 */
export type ImagesState = 'complete' | 'partial' | 'absent' | 'unknown';

/** An archive's folder under images/, and what the ledger knows of it. */
export interface ImagesFound {
  readonly state: ImagesState;
  /** Paths below the folder, with `/`; empty where there is no folder. */
  readonly paths: ReadonlySet<string>;
  readonly record: MembersRecord | undefined;
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
    if (record.foundBadAt !== undefined || !record.isComplete) return 'partial';
    if (receipt !== undefined && receipt.md5 !== record.md5) return 'partial';
    if (!record.members.every(({ path }) => paths.has(path))) return 'partial';
    return (await haveTheirSizes(root, sample(record.members))) ? 'complete' : 'partial';
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
