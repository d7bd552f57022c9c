import { join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { type MembersNoted, areSingle, namedOf, notedMembers } from '../dataset/images.ts';
import { imagesPathOf } from '../dataset/layout.ts';
import type { MembersRecord } from '../dataset/ledger.ts';
import { otherSizeError } from '../dataset/resized.ts';
import { CcxriError } from '../errors.ts';
import type { DamagedMember } from '../events.ts';
import { compareContent, compareLength } from '../fs/content.ts';
import { ImageCheck } from '../fs/image-content.ts';
import { pathKind } from '../fs/paths.ts';
import { stemOf } from '../manifest/manifest.ts';
import { count, toPrintable } from '../text.ts';
import type { ArchiveListing, ListedMember } from '../zip/listing.ts';
import { MemberFaults } from '../zip/member-faults.ts';
import { type MemberRequest, fetchMembers } from './fetch-members.ts';
import { placeSingleImages } from './place-single.ts';
import { assertNoLink, occupied } from './publish.ts';
import { makeStage } from './stage.ts';
import type { ExtractContext, SingleImagesFound } from './types.ts';

/** Images of an archive that are to be had without the others. */
export interface SingleImagesRequest extends Omit<MemberRequest, 'into'> {
  /** All members of the archive; `members` are those to be had. */
  readonly listing: ArchiveListing;
}

/** What has come of the images asked for. */
export interface SingleImages extends MembersNoted {
  /** Images that this run has published, and their bytes. */
  readonly published: number;
  readonly publishedBytes: number;
  /** Images that were here already. */
  readonly here: number;
  /** Some are damaged at their source. Absent where none are. */
  readonly error?: CcxriError | undefined;
}

/**
 * Gets images of an archive without the others, each to its place below images/<archive>/: what is here is
 * not fetched, the rest is fetched, checked by CRC-32, recorded in the ledger, and renamed last. Damaged
 * ones are left out, and the others stand.
 * @throws CcxriError `occupied`: something that ccxri did not put there is in the place of an image, and
 *   then nothing is fetched; as `fetchMembers`. What was published stays.
 */
export async function extractSingleImages(
  request: SingleImagesRequest,
  context: ExtractContext,
): Promise<SingleImages> {
  const { name } = request.file;
  const found = await findSingleImages(request, context);
  const { here, missing } = found;
  const place = { name, found, context };
  if (missing.length === 0) {
    const record = await placeSingleImages({ ...place, members: [], broken: [] });
    return toResult(request, { here: here.length, published: [], record, damaged: [] });
  }
  const stage = await makeStage(context, name);
  try {
    const into = stage.images;
    const { damaged, broken } = await fetchMembers({ ...request, members: missing, into }, context);
    const bad = new Set(damaged.map(({ path }) => path));
    const published = missing.filter(({ path }) => !bad.has(path));
    const record = await placeSingleImages({ ...place, stage, members: published, broken });
    return toResult(request, { here: here.length, published, record, damaged });
  } finally {
    // What can't be removed now is a leftover, which the next run removes; the error counts more.
    await stage.remove().catch(() => undefined);
  }
}

interface Got {
  readonly here: number;
  readonly published: readonly ListedMember[];
  readonly damaged: readonly DamagedMember[];
  readonly record: Pick<MembersRecord, 'broken'> | undefined;
}

function toResult(
  { file: { name }, members }: SingleImagesRequest,
  { here, published, damaged, record }: Got,
): SingleImages {
  const asked = new Set(members.map(({ path }) => path));
  const broken = (record?.broken ?? []).filter(({ path }) => asked.has(path));
  const error = damaged.length > 0 ? damagedError(name, damaged, members.length) : undefined;
  return {
    published: published.length,
    publishedBytes: published.reduce((sum, { size }) => sum + size, 0),
    here,
    ...notedMembers(name, { damaged: [...damaged], broken }),
    ...(error && { error }),
  };
}

/** Reasons in an error; the result has all of them. */
const MAX_REASONS = 20;

function damagedError(file: string, damaged: readonly DamagedMember[], asked: number): CcxriError {
  const reasons = damaged
    .slice(0, MAX_REASONS)
    .map(({ path, why }) => `${toPrintable(path, 120)}: ${why}`);
  const more = damaged.length - reasons.length;
  const bad = count(damaged.length, 'image is', 'images are');
  const first = `${toPrintable(damaged[0]?.path ?? '', 120)}${damaged.length > 1 ? ', …' : ''}`;
  const good = asked - damaged.length;
  return new CcxriError('damaged-archive', `${file}: ${bad} damaged at the source (${first})`, {
    file,
    expected: count(asked, 'image'),
    found: count(good, 'good one'),
    kept: good > 0 ? `${count(good, 'good one')}, in images/${stemOf(file)}` : 'nothing of it',
    reasons: more > 0 ? [...reasons, `and ${more} more`] : reasons,
    next: [
      {
        kind: 'option',
        option: 'source',
        purpose: 'to get them elsewhere',
        or: {
          kind: 'run',
          command: 'fetch',
          files: [stemOf(file)],
          purpose: 'to get the whole archive, whose MD5 shows whether it was published like this',
        },
      },
    ],
  });
}

const FILES_AT_ONCE = 8;

/**
 * Looks which of the images asked for are here, and writes nothing. The ledger and the size decide; the
 * content where the ledger does not know an image, or `verify` has found some of the folder damaged.
 * @throws CcxriError `occupied`: something else is in the place of one; of the disk; `aborted`
 */
export async function findSingleImages(
  { file: { name }, members, listing }: Pick<SingleImagesRequest, 'file' | 'members' | 'listing'>,
  { layout, ledger, signal }: Pick<ExtractContext, 'layout' | 'ledger' | 'signal'>,
): Promise<SingleImagesFound> {
  const root = imagesPathOf(layout, name);
  await assertNoLink(root, name);
  const record = await withoutAbsent(root, await ledger.readMembers(name));
  if (record?.resized !== undefined)
    throw otherSizeError([{ file: name, here: record.resized.size }], null);
  assertSameArchive({ name, root, record, listing });
  const known = new Set(record?.members.map(({ path }) => path));
  // Nothing was there to check them by; now there is.
  const named = new Set(record && namedOf(record).map(({ path }) => path));
  const bad = record?.foundBadAt === undefined ? new Set<string>() : await findBad(root, record);
  const foreign: string[] = [];
  const adopted: ListedMember[] = [];
  const missing = new Set<ListedMember>();
  const faults = new MemberFaults();
  await forEachAtOnce(members, FILES_AT_ONCE, async (member) => {
    throwIfAborted(signal);
    const { path, size: bytes, crc32 } = member;
    if (known.has(path) && !named.has(path)) {
      const isHere = (await compareLength(join(root, path), { bytes, crc32 })) === 'same';
      if (!isHere || bad.has(path)) missing.add(member);
      return;
    }
    const picture = new ImageCheck();
    const add = (piece: Uint8Array) => picture.add(piece);
    const comparison = await compareContent(join(root, path), { bytes, crc32 }, add);
    if (comparison === 'different' && !named.has(path)) foreign.push(path);
    else if (comparison !== 'same') missing.add(member);
    if (comparison !== 'same') return;
    adopted.push(member);
    faults.addPicture(path, () => picture.fault);
  });
  if (foreign.length > 0) {
    const what = `${count(foreign.length, 'file')} in it did not come from ${name}`;
    throw occupied(root, name, { what, names: foreign.sort() });
  }
  return {
    here: members.filter((member) => !missing.has(member)),
    missing: members.filter((member) => missing.has(member)),
    adopted: members.filter((member) => adopted.includes(member)),
    broken: faults.broken,
    bad,
    record,
  };
}

/**
 * Single images are recorded before they appear: those that a kill kept from appearing are forgotten, so
 * that a later choice without them leaves no record of what is not there.
 */
export async function withoutAbsent(
  root: string,
  record: MembersRecord | undefined,
): Promise<MembersRecord | undefined> {
  // Whoever has moved the folder away may begin anew, in another size.
  if (record?.resized !== undefined && (await pathKind(root)) === 'nothing') return undefined;
  if (record === undefined || !areSingle(record)) return record;
  const absent = new Set<string>();
  await forEachAtOnce(record.members, FILES_AT_ONCE, async (member) => {
    if ((await compareLength(join(root, member.path), member)) === 'absent')
      absent.add(member.path);
  });
  const present = <T extends { readonly path: string }>(list: readonly T[]) =>
    list.filter(({ path }) => !absent.has(path));
  const { members, broken } = record;
  return { ...record, members: present(members), ...(broken && { broken: present(broken) }) };
}

interface Recorded {
  readonly name: string;
  readonly root: string;
  readonly record: MembersRecord | undefined;
  readonly listing: ArchiveListing;
}

/** Images of another release of the archive would mix with these. @throws CcxriError `occupied` */
function assertSameArchive({ name, root, record, listing }: Recorded): void {
  if (record === undefined) return;
  const listed = new Map(listing.members.map((member) => [member.path, member]));
  const others = record.members.filter(({ path, bytes, crc32, state }) => {
    if (state === 'named') return false;
    const member = listed.get(path);
    return member?.size !== bytes || member.crc32 !== crc32;
  });
  if (others.length === 0) return;
  const what = `${count(others.length, 'image')} in it came from another ${name} than the source has`;
  throw occupied(root, name, { what, names: others.map(({ path }) => path) });
}

/** Of the members in the ledger those that are damaged or missing. */
export async function findBad(
  root: string,
  { members }: MembersRecord,
): Promise<ReadonlySet<string>> {
  const bad = new Set<string>();
  await forEachAtOnce(members, FILES_AT_ONCE, async (member) => {
    const comparison = await compareContent(join(root, member.path), member);
    if (comparison !== 'same') bad.add(member.path);
  });
  return bad;
}
