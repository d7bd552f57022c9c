import { join } from 'node:path';
import { imagesPathOf, rangesPathOf } from '../dataset/layout.ts';
import { type MemberIndex, membersOf, readMemberIndex } from '../dataset/member-index.ts';
import type { Session } from '../dataset/session.ts';
import { type FileSurvey, surveyFile } from '../dataset/survey.ts';
import { findSingleImages } from '../extract/single-images.ts';
import { compareLength } from '../fs/content.ts';
import { statOrNull } from '../fs/paths.ts';
import type { Candidate } from '../labels/image-choice.ts';
import { isImagePath } from '../labels/join.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { openLocal, openRanged, startOverIfChanged } from '../ranges/open-ranged.ts';
import { readRanges } from '../ranges/range-store.ts';
import type { RangedFile } from '../ranges/ranged-file.ts';
import { parseAddress } from '../sources/address.ts';
import type { ArchiveListing } from '../zip/listing.ts';
import { mayBeRight, takeIfRight } from './obtain.ts';
import { type ChosenArchive, type ListedImages, imageKeyOf, membersFor } from './plan-images.ts';
import type { FetchRun } from './with-downloads.ts';

/**
 * Opens an archive where its bytes are: the checked one that is here, else at the first source that has it
 * and serves parts.
 * @param known of the member index that is kept: then no request is made for it
 * @throws CcxriError as `openRanged`; `source-unusable`
 */
export async function openArchive(
  survey: FileSurvey,
  run: FetchRun,
  known?: MemberIndex,
): Promise<RangedFile> {
  if (isReadInPlace(survey, run)) return openLocal(survey.path, run.session);
  const { downloads } = await run.withSources();
  const identity = known && { totalBytes: known.listing.sizeBytes, validator: known.validator };
  return openRanged(survey.file, downloads, identity);
}

/** Looks into archives, a few at once, and tells of each that it is done: it may take a while on a slow line. */
export function forEachListed<A extends { readonly file: ManifestFile }, T>(
  archives: readonly A[],
  look: (archive: A) => Promise<T>,
  { session, atOnce }: { readonly session: Session; readonly atOnce: number },
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

/** A plan checks nothing: it takes an archive for right that a run will check. */
function isReadInPlace(survey: FileSurvey, { options: { dryRun, images } }: FetchRun): boolean {
  const isPlan = dryRun === true && images !== undefined;
  return survey.final === 'checked' || (isPlan && mayBeRight(survey));
}

/** What an archive lists, and whether its bytes are on a disk of this machine. */
export interface PlacedListing {
  readonly listing: ArchiveListing;
  readonly isLocal: boolean;
}

/**
 * What an archive lists: by the archive that is here, by the member index that is kept, which takes no
 * request, else by the directory at a source.
 * @throws CcxriError as `openArchive`, `membersOf`
 */
export async function listArchive(survey: FileSurvey, run: FetchRun): Promise<PlacedListing> {
  const { layout, signal } = run.session;
  const { file } = survey;
  const kept = isReadInPlace(survey, run) ? undefined : await readMemberIndex(layout, file);
  if (kept !== undefined) {
    return { listing: kept.listing, isLocal: await isInDirectory(file.name, run) };
  }
  return startOverIfChanged(signal, async () => {
    const ranged = await openArchive(survey, run);
    try {
      const { isLocal } = ranged;
      const keep = !isLocal && run.options.dryRun !== true;
      return { listing: await membersOf(file, ranged, { layout, signal, keep }), isLocal };
    } finally {
      await ranged.close();
    }
  });
}

/**
 * The names of the images in an archive, by the ledger where all of them are known to it.
 * @throws CcxriError as `listArchive`
 */
export async function imageNamesIn(file: ManifestFile, run: FetchRun): Promise<readonly string[]> {
  const { session } = run;
  const record = await session.ledger.readMembers(file.name);
  const members =
    record?.isComplete === true
      ? record.members
      : (await listArchive(await surveyFile(file, session), run)).listing.members;
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
 * @throws CcxriError `aborted`; bugs
 */
export async function lookAtArchive(
  found: FileSurvey,
  images: readonly Candidate[],
  run: FetchRun,
): Promise<ChosenArchive> {
  const here = await imagesHere(found, images, run);
  if (here.size === images.length) return { survey: found, images, here };
  const survey = run.options.dryRun === true ? found : await takeIfRight(found, run);
  try {
    const listed = await listImages(survey, images, run);
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

async function listImages(
  survey: FileSurvey,
  images: readonly Candidate[],
  run: FetchRun,
): Promise<ListedImages> {
  const { session } = run;
  const { file } = survey;
  const { listing, isLocal } = await listArchive(survey, run);
  const members = membersFor(images, listing);
  const found = await findSingleImages({ file, members, listing }, session);
  const names = new Set(members.map(({ path }) => imageKeyOf(path)));
  const { name, md5 } = file;
  return {
    archiveBytes: listing.sizeBytes,
    isLocal,
    members,
    missing: found.missing,
    absent: images.filter(({ image }) => !names.has(image)),
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
  const record = await ledger.readMembers(name);
  const here = new Set<string>();
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
