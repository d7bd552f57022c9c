import { throwIfAborted } from '../abort.ts';
import { describeLookAlike } from '../download/look-alike.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import { isImagePath } from '../labels/join.ts';
import { stemOf } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import { type Member, type ZipDirectory, withDirectory } from '../zip/directory.ts';
import { openFileReader } from '../zip/reader.ts';
import { isUnread } from '../zip/report.ts';
import { leaveUnreadable } from './find-files.ts';
import type { Bundle, FoundImage, ImageFinds } from './image-finds.ts';
import { type ImageKnowledge, archiveKey, matchImage } from './match-image.ts';
import type { AdoptRun } from './run.ts';
import type { SeenFile } from './walk.ts';

interface BundleContext {
  readonly known: ImageKnowledge;
  readonly finds: ImageFinds;
  /** Zips with the size of a published file, and another MD5. */
  readonly isWrong: (seen: SeenFile) => boolean;
}

/** How many zips with images are open at once. */
const MAX_BUNDLES = 200;

/**
 * Looks into zips that are none of the published archives for images of the dataset. Each has passed the gate
 * before a byte of it is unpacked.
 * @param found gets the bundles, which the caller closes, also if this throws; what is wrong with zips that are
 *   meant to be of the dataset
 * @throws CcxriError `aborted`; bugs
 */
export async function openBundles(
  zips: readonly SeenFile[],
  context: BundleContext,
  run: AdoptRun,
  found: { readonly bundles: Bundle[]; readonly errors: CcxriError[] },
): Promise<void> {
  const { bundles, errors } = found;
  for (const seen of zips) {
    try {
      if (bundles.length >= MAX_BUNDLES) throw tooMany(seen.path);
      const bundle = await openBundle(seen, context, run);
      if (bundle !== undefined) bundles.push(bundle);
    } catch (error) {
      const failure = leaveBundle(seen, error, { ...context, run });
      if (failure !== undefined) errors.push(failure);
    }
  }
}

function tooMany(path: string): CcxriError {
  return new CcxriError('usage', `${toPrintable(path)} is one zip too many for one run`, {
    path,
    next: [{ kind: 'again', purpose: 'for the rest of them' }],
  });
}

/** @returns undefined: there is nothing of the dataset in it, and it is closed */
async function openBundle(
  seen: SeenFile,
  context: BundleContext,
  run: AdoptRun,
): Promise<Bundle | undefined> {
  const { signal } = run.session;
  const reader = await openFileReader(seen.path);
  const bundle = { path: seen.path, reader };
  const options = { file: toPrintable(seen.path), signal };
  const match = (directory: ZipDirectory) =>
    Promise.resolve(matchAll(directory, bundle, { ...context, seen, run }));
  try {
    // Nothing is kept of a directory but what is taken: one of a large zip takes 100 MB.
    if (await withDirectory(reader, options, match)) return bundle;
  } catch (error) {
    await reader.close();
    throw error;
  }
  await reader.close();
  return undefined;
}

interface Matching extends BundleContext {
  readonly seen: SeenFile;
  readonly run: AdoptRun;
}

/** @returns whether any member is to be taken */
function matchAll(
  { topFolder, members }: ZipDirectory,
  bundle: Bundle,
  { seen, known, finds, run, isWrong }: Matching,
): boolean {
  const alike = describeLookAlike({ topFolder, members });
  if (alike !== undefined) {
    run.left.add('other-dataset', seen.path, alike);
    return false;
  }
  const outer = [...seen.path.split(/[/\\]/).slice(0, -1), stemOf(seen.name)];
  let [used, ours] = [0, 0];
  for (const member of members) {
    if (!isImagePath(member.name)) continue;
    const inner = (topFolder === null ? member.name : `${topFolder}/${member.name}`).split('/');
    const name = inner.pop() ?? '';
    const { size: bytes, crc32 } = member;
    const match = matchImage({ name, folders: [...outer, ...inner], bytes, crc32 }, known);
    const path = [seen.path, ...inner, name].join('/');
    const image: FoundImage = {
      path,
      name,
      place: { kind: 'member', bundle, member: plain(member) },
    };
    if (finds.add(image, match)) used += 1;
    if (match.kind !== 'other') ours += 1;
  }
  if (ours === 0) leaveOther(seen, isWrong(seen), run);
  return used > 0;
}

/** A zip without any image of the dataset. @param isWrong it has the size of a published file */
function leaveOther({ path }: SeenFile, isWrong: boolean, { left }: AdoptRun): void {
  if (isWrong)
    left.add(
      'not-published',
      path,
      'no published file has its MD5, and it has no image of the dataset',
    );
  else left.add('no-image', path, 'a zip without any image of the dataset');
}

/** Without what else hangs on it. */
function plain({ name, dataStart, compressedSize, size, crc32, isDeflated }: Member): Member {
  return { name, dataStart, compressedSize, size, crc32, isDeflated };
}

/** @returns the error where it is meant to be of the dataset; a zip of something else may be as it likes */
function leaveBundle(
  seen: SeenFile,
  error: unknown,
  { run, known }: { readonly run: AdoptRun; readonly known: ImageKnowledge },
): CcxriError | undefined {
  throwIfAborted(run.session.signal);
  if (!isCcxriError(error, 'damaged-archive', 'unsafe-archive')) {
    leaveUnreadable(error, seen.path, run.left);
    return undefined;
  }
  const isArchive = known.archives.has(archiveKey(seen.name));
  const why = isUnread(error) ? 'unread' : error.code === 'unsafe-archive' ? 'unsafe' : 'damaged';
  run.left.add(why, seen.path, toPrintable(error.message));
  return seen.isNamed || isArchive ? error : undefined;
}
