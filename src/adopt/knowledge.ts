import { readMemberIndex } from '../dataset/member-index.ts';
import type { Session } from '../dataset/session.ts';
import { type MembersRecord, fitsManifest } from '../dataset/ledger.ts';
import { pathKind } from '../fs/paths.ts';
import { groupOf, isImagePath } from '../labels/join.ts';
import { readLabelFile } from '../labels/read.ts';
import { finalPathOf } from '../dataset/layout.ts';
import { type ManifestFile, stemOf } from '../manifest/manifest.ts';
import { type ImageKnowledge, type KnownMember, archiveKey } from './match-image.ts';

/** An archive's members, where they are known with their CRC-32s. */
interface Members {
  readonly members: readonly Omit<KnownMember, 'archive'>[];
}

/**
 * What is known of the images of all archives: by the ledger of those that have passed, by the member indexes
 * that are kept, and by the label files that are here.
 * @param labelPaths where label files are that are only to be adopted, by manifest name
 * @throws CcxriError `labels-invalid`; of the disk; `aborted`
 */
export async function gatherKnowledge(
  session: Session,
  labelPaths: ReadonlyMap<string, string>,
): Promise<ImageKnowledge> {
  const { files } = session.manifest;
  const archives = files.filter(({ kind }) => kind === 'archive');
  const stems = (is: (file: ManifestFile) => boolean) =>
    archives.filter(is).map(({ name }) => stemOf(name));
  const members = new Map<string, KnownMember[]>();
  const listed = new Set<string>();
  for (const file of archives) {
    const found = await membersKnown(file, session);
    if (found === undefined) continue;
    const archive = stemOf(file.name);
    listed.add(archive);
    for (const member of found.members) addTo(members, nameOf(member.path), { archive, ...member });
  }
  return {
    members,
    listed,
    ...(await readNames(session, labelPaths)),
    viralArchives: stems(({ subsets }) => groupOf(subsets) === 'Viral'),
    withoutRows: new Set(
      stems(({ subsets }) => ['Normal', 'Other'].includes(groupOf(subsets) ?? '')),
    ),
    archives: new Map(archives.map(({ name }) => [archiveKey(name), stemOf(name)])),
  };
}

/** By the ledger, where the archive has passed; else by the index. undefined: its members are not known. */
async function membersKnown(file: ManifestFile, session: Session): Promise<Members | undefined> {
  const { ledger, layout } = session;
  const record = await ledger.readMembers(file.name);
  const isWhole = record !== undefined && isOfMembers(record);
  const receipt = isWhole ? await ledger.readReceipt(file.name) : undefined;
  const isOfThis =
    record?.md5 === file.md5 || (receipt !== undefined && fitsManifest(file, receipt));
  if (isWhole && isOfThis) {
    return { members: record.members.filter(({ path }) => isImagePath(path)).map(toMember) };
  }
  const index = await readMemberIndex(layout, file);
  if (index === undefined) return undefined;
  const images = index.listing.members.filter(({ path }) => isImagePath(path));
  return { members: images.map(({ path, size, crc32 }) => ({ path, bytes: size, crc32 })) };
}

/** Of all members, and as they are in the archive. */
function isOfMembers({ md5, isComplete, resized }: MembersRecord): boolean {
  return md5 !== null && isComplete && resized === undefined;
}

/** Without its state, which speaks of what was here. */
function toMember({ path, bytes, crc32 }: Omit<KnownMember, 'archive'>) {
  return { path, bytes, crc32 };
}

/** The images that the label files name. */
async function readNames(
  { manifest, layout, signal }: Session,
  labelPaths: ReadonlyMap<string, string>,
): Promise<Pick<ImageKnowledge, 'labelled' | 'viral'>> {
  const labelled = new Map<string, string[]>();
  const viral = new Set<string>();
  const stems = manifest.files.map(({ name }) => stemOf(name));
  for (const file of manifest.files) {
    if (file.kind !== 'labels') continue;
    const final = finalPathOf(layout, file);
    const path = (await pathKind(final)) === 'file' ? final : labelPaths.get(file.name);
    if (path === undefined) continue;
    const expected = groupOf(file.subsets) === 'Viral' ? 'covid' : 'chest';
    const source = { file: file.name, path, archives: stems, signal, countBadCells: true };
    const table = await readLabelFile(source, expected);
    if (table.form === 'covid') for (const image of table.byImage.keys()) viral.add(image);
    else {
      for (const [archive, rows] of table.byArchive) {
        for (const image of rows.keys()) addTo(labelled, image, archive);
      }
    }
  }
  return { labelled, viral };
}

function addTo<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
