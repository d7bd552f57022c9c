import { dirname, join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { areImagesSettled, areSingle } from '../dataset/images.ts';
import { imagesPathOf } from '../dataset/layout.ts';
import type { MemberRecord, MembersRecord } from '../dataset/ledger.ts';
import { type FileSurvey, statusOf, surveyFile } from '../dataset/survey.ts';
import { CcxriError } from '../errors.ts';
import { assertNoLink } from '../extract/publish.ts';
import { type PlacedImage, placeSingleImages } from '../extract/place-single.ts';
import { findBad, withoutAbsent } from '../extract/single-images.ts';
import { makeStage } from '../extract/stage.ts';
import { compareContent, compareLength } from '../fs/content.ts';
import { pathKind } from '../fs/paths.ts';
import { type ManifestFile, stemOf } from '../manifest/manifest.ts';
import { count } from '../text.ts';
import type { ArchiveFinds, ImageFind } from './image-finds.ts';
import { type AdoptRun, failureOf } from './run.ts';
import { removeTaken } from './remove-taken.ts';
import { type TakenImage, takeImages } from './take-images.ts';
import type { AdoptedImages } from './types.ts';

/** Directories and zips that the result names. */
const MAX_FROM = 10;
const FILES_AT_ONCE = 8;

/** What of the images of an archive is here, and what has to be taken. */
interface Sorted {
  readonly here: ImageFind[];
  /** In their place, right, and not yet recorded so. */
  readonly adopted: PlacedImage[];
  readonly wanted: ImageFind[];
}

/** Takes the images that were found of one archive. What goes wrong is its outcome. */
export async function adoptImages(
  file: ManifestFile,
  finds: ArchiveFinds,
  run: AdoptRun,
): Promise<AdoptedImages> {
  const { session, dryRun } = run;
  const { name, subsets } = file;
  const before = finds.left;
  const nothing = { crcChecked: 0, named: 0, here: 0, bytes: 0, from: [] as const };
  let done: Pick<AdoptedImages, keyof typeof nothing> = nothing;
  let error: CcxriError | undefined;
  const survey = await surveyFile(file, session);
  try {
    done = await adoptSome(survey, finds, run);
  } catch (thrown) {
    error = failureOf(thrown, name, run);
    finds.left = before + finds.images.length;
  }
  error ??= finds.wrong > 0 ? wrongError(name, finds.wrong) : undefined;
  const status = statusOf(dryRun ? survey : await surveyFile(file, session));
  const { crcChecked, named } = done;
  const did = error !== undefined ? 'failed' : crcChecked + named === 0 ? 'skipped' : 'adopted';
  session.emitDone({
    file: name,
    status,
    did: dryRun && did === 'adopted' ? 'skipped' : did,
    error,
  });
  return { file: name, subsets, status, ...done, left: finds.left, ...(error && { error }) };
}

function wrongError(file: string, wrong: number): CcxriError {
  const were = count(
    wrong,
    'image is not what the archive has',
    'images are not what the archive has',
  );
  return new CcxriError('md5-mismatch', `${file}: ${were} under that name`, {
    file,
    expected: 'the length and CRC-32 of the archive, or one content for one name',
    kept: 'what was found, where it is',
    next: [{ kind: 'run', command: 'fetch', files: [stemOf(file)], purpose: 'to get the archive' }],
  });
}

async function adoptSome(survey: FileSurvey, finds: ArchiveFinds, run: AdoptRun) {
  const { file, images, final, members } = survey;
  const none = { crcChecked: 0, named: 0, bytes: 0, from: [] };
  if (areImagesSettled(images)) return { ...none, here: finds.images.length };
  if (final === 'checked') {
    leaveAll(finds.images, finds, run, `${file.name} is here: extract it`);
    return { ...none, here: 0 };
  }
  if (images !== 'absent' && members !== undefined && members.resizedTo !== null) {
    leaveAll(finds.images, finds, run, `the images of ${file.name} are here, resized`);
    return { ...none, here: 0 };
  }
  const { ledger, layout } = run.session;
  const root = imagesPathOf(layout, file.name);
  await assertNoLink(root, file.name);
  const record = await withoutAbsent(root, await ledger.readMembers(file.name));
  const bad = record?.foundBadAt === undefined ? new Set<string>() : await findBad(root, record);
  const sorted = await sortFinds(finds, { root, record, bad }, run);
  const { here, adopted } = sorted;
  const taken = await takeAndPlace(sorted, { file, record, bad, finds }, run);
  const all = [...taken.map(({ placed }) => placed), ...adopted];
  const named = all.filter(({ state }) => state === 'named').length;
  return {
    crcChecked: all.length - named,
    named,
    here: here.length,
    bytes: taken.reduce((sum, { placed }) => sum + placed.size, 0),
    from: placesOf(taken),
  };
}

function leaveAll(
  images: readonly ImageFind[],
  finds: ArchiveFinds,
  { left }: AdoptRun,
  why: string,
) {
  for (const { path } of images) left.add('not-needed', path, why);
  finds.left += images.length;
}

/** Some of the directories and zips that images come from. */
function placesOf(taken: readonly TakenImage[]): readonly string[] {
  const places = new Set<string>();
  for (const { find } of taken) {
    if (places.size >= MAX_FROM) break;
    const { place, path } = find;
    places.add(place.kind === 'member' ? place.bundle.path : dirname(path));
  }
  return [...places];
}

interface Before {
  /** images/<archive> */
  readonly root: string;
  readonly record: MembersRecord | undefined;
  readonly bad: ReadonlySet<string>;
}

/** What is in the place of each image already. */
async function sortFinds(
  finds: ArchiveFinds,
  { root, record, bad }: Before,
  run: AdoptRun,
): Promise<Sorted> {
  const known = new Map(record?.members.map((member) => [member.path, member]));
  const sorted: Sorted = { here: [], adopted: [], wanted: [] };
  const isEmpty = (await pathKind(root)) === 'nothing';
  const images = [...finds.images].sort((a, b) => (a.path < b.path ? -1 : 1));
  const seen = new Set<string>();
  await forEachAtOnce(images, FILES_AT_ONCE, async (find) => {
    throwIfAborted(run.session.signal);
    const { target, expected } = find;
    const recorded = bad.has(target) ? undefined : known.get(target);
    const there = isEmpty ? 'absent' : await lookAt(join(root, target), expected, recorded);
    if (there === 'absent' || (there === 'replaceable' && known.has(target)))
      sorted.wanted.push(find);
    else if (there === 'here') sorted.here.push(find);
    else if (there === 'right' && expected !== undefined) {
      sorted.here.push(find);
      const { bytes: size, crc32 } = expected;
      if (!seen.has(target)) sorted.adopted.push({ path: target, size, crc32 });
      seen.add(target);
    } else {
      run.left.add('in-the-way', find.path, `${join(root, target)} is something else`);
      finds.left += 1;
    }
  });
  return sorted;
}

/**
 * `here`: by the ledger; `right`: by its content, which the ledger does not say; `replaceable`: neither, and it
 * is not known to be right.
 */
async function lookAt(
  path: string,
  expected: ImageFind['expected'],
  recorded: MemberRecord | undefined,
): Promise<'absent' | 'here' | 'right' | 'replaceable'> {
  const isSure = recorded !== undefined && (recorded.state !== 'named' || expected === undefined);
  if (isSure) {
    const how = await compareLength(path, recorded);
    return how === 'same' ? 'here' : how === 'absent' ? 'absent' : 'replaceable';
  }
  if (expected === undefined)
    return (await pathKind(path)) === 'nothing' ? 'absent' : 'replaceable';
  const how = await compareContent(path, expected);
  return how === 'same' ? 'right' : how === 'absent' ? 'absent' : 'replaceable';
}

interface Target {
  readonly file: ManifestFile;
  readonly record: MembersRecord | undefined;
  readonly bad: ReadonlySet<string>;
  readonly finds: ArchiveFinds;
}

async function takeAndPlace(
  { wanted, adopted }: Sorted,
  { file, record, bad, finds }: Target,
  run: AdoptRun,
): Promise<readonly TakenImage[]> {
  const { session, dryRun } = run;
  const { name } = file;
  const found = { record, adopted, broken: [], bad };
  const keepsList = record !== undefined && !areSingle(record) && record.isComplete;
  const context = session;
  if (dryRun) return takeImages(wanted, { file, into: null, finds }, run);
  if (wanted.length === 0) {
    const place = { name, found, context, keepsList, members: [], broken: [] };
    await placeSingleImages(place);
    return [];
  }
  const stage = await makeStage(session, name);
  try {
    const taken = await takeImages(wanted, { file, into: stage.images, finds }, run);
    if (taken.length > 0 || adopted.length > 0) {
      const members = taken.map(({ placed }) => placed);
      const broken = taken.flatMap(({ placed: { path }, fault: why }) =>
        why === null ? [] : [{ path, why }],
      );
      const place = { name, found, stage, context, keepsList, members, broken };
      await placeSingleImages({ ...place, isWholeStage: true });
    }
    if (run.link === 'move') await removeTaken(taken, imagesPathOf(session.layout, name));
    return taken;
  } finally {
    // What can't be removed now is a leftover, which the next run removes.
    await stage.remove().catch(() => undefined);
  }
}
