import { join } from 'node:path';
import { otherSizeError } from '../dataset/resized.ts';
import { throwIfAborted } from '../abort.ts';
import { imagesPathOf, rangesPathOf } from '../dataset/layout.ts';
import { type MemberIndex, membersOf, readMemberIndex } from '../dataset/member-index.ts';
import type { Session } from '../dataset/session.ts';
import { type FileSurvey, surveyFile } from '../dataset/survey.ts';
import { isCcxriError } from '../errors.ts';
import { findSingleImages } from '../extract/single-images.ts';
import { compareLength } from '../fs/content.ts';
import { pathKind, statOrNull } from '../fs/paths.ts';
import type { Candidate } from '../labels/image-choice.ts';
import { isImagePath } from '../labels/join.ts';
import type { ListedNames } from '../labels/make-choice.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { openAtSource, openLocal, startOverIfChanged } from '../ranges/open-ranged.ts';
import { readRanges } from '../ranges/range-store.ts';
import type { RangedFile } from '../ranges/ranged-file.ts';
import { parseAddress } from '../sources/address.ts';
import type { Source } from '../sources/source.ts';
import type { ArchiveListing, ListedMember } from '../zip/listing.ts';
import { atEachSource, isOfSource } from './each-source.ts';
import { mayBeRight, takeIfRight } from './obtain.ts';
import { type ChosenArchive, type ListedImages, imageKeyOf, membersFor } from './plan-images.ts';
import type { FetchRun } from './with-downloads.ts';

/** An archive that is open; `source` is absent where it is the checked one that is here. */
export interface OpenedArchive {
  readonly ranged: RangedFile;
  readonly source?: Source | undefined;
}

/**
 * Opens an archive where its bytes are: the checked one that is here, else at the first source that has it
 * and serves parts.
 * @param known of the member index that is kept: then no request is made for it
 * @throws CcxriError as `openAtSource`; `source-unusable`
 */
export async function openArchive(
  survey: FileSurvey,
  run: FetchRun,
  known?: MemberIndex,
): Promise<OpenedArchive> {
  if (isReadInPlace(survey, run)) return { ranged: await openLocal(survey.path, run.session) };
  const { downloads } = await run.withSources();
  if (known === undefined) return openAtSource(survey.file, downloads);
  const { listing, validator } = known;
  return openAtSource(survey.file, downloads, { totalBytes: listing.sizeBytes, validator });
}

/** Directories read at once; the run's limit of connections holds besides. */
const ARCHIVES_AT_ONCE = 8;

/** Looks into archives, a few at once, and tells of each that it is done: it may take a while on a slow line. */
export function forEachListed<A extends { readonly file: ManifestFile }, T>(
  archives: readonly A[],
  look: (archive: A) => Promise<T>,
  { session, atOnce = ARCHIVES_AT_ONCE }: { readonly session: Session; readonly atOnce?: number },
): Promise<readonly T[]> {
  let listed = 0;
  const lookAndTell = async (archive: A) => {
    const found = await look(archive);
    listed += 1;
    const of = { file: archive.file.name, archives: archives.length };
    session.onEvent({ event: 'archive-listed', ...of, listed });
    return found;
  };
  return session.forEachFile(archives, lookAndTell, atOnce);
}

/** A plan and what only looks check nothing: they take an archive for right that a fetch will check. */
function isReadInPlace(survey: FileSurvey, { options }: FetchRun): boolean {
  const checksNothing = options.dryRun === true || options.images === undefined;
  return survey.final === 'checked' || (checksNothing && mayBeRight(survey));
}

/** What an archive lists, and whether its bytes are on a disk of this machine. */
export interface PlacedListing {
  readonly listing: ArchiveListing;
  readonly isLocal: boolean;
  /** Where this run has read it. Absent: the archive is here, or its index was kept. */
  readonly source?: Source | undefined;
  /** By an index that was kept: what seems wrong may have been received wrongly. */
  readonly isDoubtful?: boolean | undefined;
}

/** By file, what a run has read that it will need again. */
export type Listings = Map<string, PlacedListing>;

/**
 * What an archive lists: by the archive that is here, by the member index that is kept, which takes no
 * request, else by the directory at a source.
 * @param again the directory, although an index is kept
 * @throws CcxriError as `openArchive`, `membersOf`
 */
export async function listArchive(
  found: FileSurvey,
  run: FetchRun,
  again = false,
): Promise<PlacedListing> {
  const { layout, signal } = run.session;
  const { file } = found;
  let survey = found;
  if (isReadInPlace(found, run)) {
    try {
      return await startOverIfChanged(signal, () => listInPlace(found, run.session));
    } catch (error) {
      throwIfAborted(signal);
      // What was not checked may be anything. A fetch checks it, and goes to the source.
      if (found.final === 'checked' || !isCcxriError(error)) throw error;
      const message = `${error.message}: what it lists comes from elsewhere`;
      run.session.onEvent({ event: 'warning', code: 'disk', file: file.name, message });
      survey = { ...found, final: 'absent' };
    }
  }
  const kept = again ? undefined : await readMemberIndex(layout, file);
  if (kept !== undefined) {
    const isLocal = await isInDirectory(file.name, run);
    return { listing: kept.listing, isLocal, isDoubtful: kept.isConfirmed !== true };
  }
  return atEachSource({ file, run, isInPlace: false }, (at) =>
    startOverIfChanged(signal, async () => {
      at.source = undefined;
      const { ranged, source } = await openArchive(survey, at.run);
      at.source = source;
      try {
        const { isLocal } = ranged;
        const keep = !isLocal && run.options.dryRun !== true;
        const listing = await membersOf(file, ranged, { layout, signal, keep, again });
        return { listing, isLocal, source };
      } finally {
        await ranged.close();
      }
    }),
  );
}

async function listInPlace({ file, path }: FileSurvey, session: Session): Promise<PlacedListing> {
  const ranged = await openLocal(path, session);
  try {
    const { layout, signal } = session;
    return {
      listing: await membersOf(file, ranged, { layout, signal, keep: false }),
      isLocal: true,
    };
  } finally {
    await ranged.close();
  }
}

/**
 * The names of the images in archives.
 * @param namesIn one of them
 * @throws CcxriError as `imageNamesIn`
 */
export function listNames(
  archives: readonly ManifestFile[],
  run: FetchRun,
  namesIn = (file: ManifestFile) => imageNamesIn(file, run),
): Promise<readonly ListedNames[]> {
  const toNames = async (file: ManifestFile) => ({ file, names: await namesIn(file) });
  const each = archives.map((file) => ({ file }));
  return forEachListed(each, ({ file }) => toNames(file), run);
}

/**
 * The names of the images in an archive, by the ledger where all of them are known to it.
 * @param seen gets what was read of it
 * @throws CcxriError as `listArchive`
 */
export async function imageNamesIn(
  file: ManifestFile,
  run: FetchRun,
  seen?: Listings,
): Promise<readonly string[]> {
  const { session } = run;
  const record = await session.ledger.readMembers(file.name);
  if (record?.isComplete === true) return namesOf(record.members);
  const found = await surveyFile(file, session);
  const placed = await listArchive(
    isReadInPlace(found, run) ? found : await takeIfRight(found, run),
    run,
  );
  seen?.set(file.name, placed);
  return namesOf(placed.listing.members);
}

function namesOf(members: readonly { readonly path: string }[]): readonly string[] {
  return members
    .map(({ path }) => path)
    .filter(isImagePath)
    .map((path) => path.slice(path.lastIndexOf('/') + 1));
}

/** Without opening the sources: whether the first that can have it is a directory that does. */
async function isInDirectory(name: string, { options }: FetchRun): Promise<boolean> {
  for (const typed of options.sources ?? []) {
    const address = parseAddress(typed);
    if (address.kind !== 'path' || address.isPage) return false;
    if ((await statOrNull(join(address.path, name))) !== null) return true;
  }
  return false;
}

/**
 * Looks which of the images that are meant are here, and what the archive lists of the others. Where all
 * are here, its directory is not read. What goes wrong is told, not thrown.
 * @param seen what this run has read before, which is taken out of it
 * @throws CcxriError `aborted`; bugs
 */
export async function lookAtArchive(
  found: FileSurvey,
  images: readonly Candidate[],
  run: FetchRun,
  seen?: Listings,
): Promise<ChosenArchive> {
  const { name } = found.file;
  const before = seen?.get(name);
  seen?.delete(name);
  const here = await imagesHere(found, images, run);
  if (here.size === images.length) return { survey: found, images, here };
  // What was listed for want of rows has been checked by that.
  const isJudged = run.options.dryRun === true || before !== undefined;
  const survey = isJudged ? found : await takeIfRight(found, run);
  try {
    const placed = before ?? (await listArchive(survey, run));
    const listed = await listImages({ survey, images }, placed, run);
    const isMissing = new Set(listed.missing.map(({ path }) => imageKeyOf(path)));
    const present = listed.members.map(({ path }) => imageKeyOf(path));
    const known = new Set(present.filter((image) => !isMissing.has(image)));
    return { survey, images, here: known, listed };
  } catch (thrown) {
    const error = run.session.failureOf(thrown);
    if (error === undefined) throw thrown;
    return { survey, images, here, error };
  }
}

type Wanted = Pick<ChosenArchive, 'survey' | 'images'>;

/**
 * An index that was kept may have been received wrongly: where images that are meant are not in it, or it
 * does not fit to those that are here, the directory is read again.
 */
async function listImages(
  wanted: Wanted,
  placed: PlacedListing,
  run: FetchRun,
): Promise<ListedImages> {
  const again = async () => imagesOf(wanted, await listArchive(wanted.survey, run, true), run);
  let listed: ListedImages | undefined;
  try {
    listed = await imagesOf(wanted, placed, run);
    if (placed.isDoubtful !== true || listed.absent.length === 0) return listed;
    return await again();
  } catch (error) {
    throwIfAborted(run.session.signal);
    if (listed !== undefined && isOfSource(error)) return listed;
    if (placed.isDoubtful !== true || !isCcxriError(error, 'occupied')) throw error;
    return again();
  }
}

export function absentOf(images: readonly Candidate[], members: readonly ListedMember[]) {
  const names = new Set(members.map(({ path }) => imageKeyOf(path)));
  return images.filter(({ image }) => !names.has(image));
}

async function imagesOf(
  { survey: { file }, images }: Wanted,
  { listing, isLocal, source }: PlacedListing,
  { session }: FetchRun,
): Promise<ListedImages> {
  const members = membersFor(images, listing);
  const found = await findSingleImages({ file, members, listing }, session);
  const { name, md5 } = file;
  return {
    archiveBytes: listing.sizeBytes,
    isLocal,
    source,
    members,
    missing: found.missing,
    absent: absentOf(images, members),
    needsRecord: found.adopted.length > 0 || found.record?.foundBadAt !== undefined,
    stored: isLocal ? [] : await readRanges(rangesPathOf(session.layout, name), { name, md5 }),
  };
}

/** The names of images that are here, by the ledger and their sizes; none where `verify` has found some bad. */
export async function imagesHere(
  { file: { name } }: Pick<FileSurvey, 'file'>,
  images: readonly Candidate[],
  { session: { layout, ledger } }: FetchRun,
): Promise<ReadonlySet<string>> {
  const here = new Set<string>();
  const isGone = (await pathKind(imagesPathOf(layout, name))) === 'nothing';
  if (isGone) return here;
  const record = await ledger.readMembers(name);
  if (record?.resized !== undefined)
    throw otherSizeError([{ file: name, here: record.resized.size }], null);
  if (record === undefined || record.foundBadAt !== undefined) return here;
  const wanted = new Set(images.map(({ image }) => image));
  const missing = new Set<string>();
  for (const member of record.members) {
    const image = imageKeyOf(member.path);
    if (!wanted.has(image)) continue;
    const path = join(imagesPathOf(layout, name), member.path);
    const isHere = (await compareLength(path, member)) === 'same';
    (isHere ? here : missing).add(image);
  }
  // Members of two folders may have the same name: then the image is here with all of them.
  return new Set([...here].filter((image) => !missing.has(image)));
}
