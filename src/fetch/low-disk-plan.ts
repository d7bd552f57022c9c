import { areImagesSettled } from '../dataset/images.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import { readMemberIndex } from '../dataset/member-index.ts';
import { type FileSurvey, knownSizeOf } from '../dataset/survey.ts';
import { type Size, aboutBytesUnpacked, sumSizes } from '../manifest/size.ts';
import type { PeakPlan } from '../plan-event.ts';
import type { FetchPlan, FetchStep } from './fetch-types.ts';
import { type FetchTask, keptBytesOf } from './plan.ts';

/** Archives that may be on the disk at once, partial downloads among them. */
export const ARCHIVES_AT_ONCE = 2;

/** What the images of an archive take: exact where they are here, or its member index is. */
interface ImageBytes extends Size {
  /** While the archive is unpacked: more than `bytes` where they are made smaller then. */
  readonly unpackedBytes: number;
}

/** By the name of the archive. */
export type ImageSizes = ReadonlyMap<string, ImageBytes>;

/** Of an image as it was published: 43 GB of archives hold about 162,500 images. */
const ABOUT_BYTES_PUBLISHED = 265_000;
/**
 * Of a JPEG that ccxri has made smaller, for each pixel of the square that it fits in: half of what chest images take that
 * lose nothing (the 112,120 of the NIH at 224 x 224: 2.5 GB as PNG).
 */
const ABOUT_BYTES_PER_PIXEL = 0.25;

/**
 * @param resize pixels of the longest side to which images are made smaller. undefined: they are not
 * @throws CcxriError of the disk
 */
export async function imageSizesOf(
  surveys: readonly FileSurvey[],
  { layout, resize }: { readonly layout: DatasetLayout; readonly resize?: number | undefined },
): Promise<ImageSizes> {
  const sizes = new Map<string, ImageBytes>();
  const largest = resize === undefined ? Infinity : ABOUT_BYTES_PER_PIXEL * resize ** 2;
  for (const survey of surveys) {
    if (survey.file.kind === 'archive')
      sizes.set(survey.file.name, await imageSizeOf(survey, layout, largest));
  }
  return sizes;
}

/** @param largest bytes of an image that is made smaller */
async function imageSizeOf(
  survey: FileSurvey,
  layout: DatasetLayout,
  largest: number,
): Promise<ImageBytes> {
  const { file, images, members } = survey;
  if (areImagesSettled(images) && members !== undefined) {
    return { bytes: members.bytes, unpackedBytes: members.bytes, about: false };
  }
  const index = await readMemberIndex(layout, file);
  if (index === undefined) {
    const unpackedBytes = aboutBytesUnpacked(knownSizeOf(survey).bytes);
    const bytes = unpackedBytes * Math.min(1, largest / ABOUT_BYTES_PUBLISHED);
    return { bytes: Math.round(bytes), unpackedBytes, about: true };
  }
  const sizes = index.listing.members.map(({ size }) => size);
  const bytes = Math.round(sum(sizes.map((size) => Math.min(size, largest))));
  return { bytes, unpackedBytes: sum(sizes), about: largest !== Infinity };
}

/** Whether something of an archive that has to be worked on is on the disk already. */
export function isHereInPart({ survey, step }: FetchTask): boolean {
  const { final, partBytes, foreignPartBytes = 0, storedBytes = 0 } = survey;
  const held = partBytes + foreignPartBytes + storedBytes;
  return step.action !== 'done' && (final !== 'absent' || held > 0);
}

/**
 * The plan of a run with little disk: what is here already is worked off first, one archive after the
 * other, and of the others no more than two take space at any moment, beside the images of all. Pure.
 */
export function withPeak(
  plan: FetchPlan,
  tasks: readonly FetchTask[],
  images: ImageSizes,
): FetchPlan {
  const archives = tasks.filter(({ survey }) => survey.file.kind === 'archive');
  const open = archives.filter(({ step }) => step.action !== 'done');
  const none = { bytes: 0, unpackedBytes: 0, about: false };
  const ofImages = (task: FetchTask) => images.get(task.step.file) ?? none;
  // What is taken more than before the run: now, and at the worst moment so far.
  let [now, most] = [0, 0];
  const rise = (bytes: number) => {
    now += bytes;
    most = Math.max(most, now);
  };
  rise(
    sum(
      tasks.filter(({ survey }) => survey.file.kind === 'labels').map(({ step }) => toCome(step)),
    ),
  );
  for (const task of open.filter(isHereInPart)) {
    rise(toCome(task.step) + newImages(task, ofImages(task)) + toShrink(task, ofImages(task)));
    now -= task.survey.finalBytes > 0 ? task.survey.finalBytes : task.step.bytes;
    now -= toShrink(task, ofImages(task));
  }
  const fresh = open.filter((task) => !isHereInPart(task));
  const largest = [...fresh].sort((a, b) => b.step.bytes - a.step.bytes).slice(0, ARCHIVES_AT_ONCE);
  const ofArchives = sumSizes(largest.map(({ step }) => step));
  const shrunk = sum(largest.map((task) => toShrink(task, ofImages(task))));
  rise(sum(fresh.map((task) => newImages(task, ofImages(task)))) + ofArchives.bytes + shrunk);
  const ofAllImages = sumSizes(archives.map(ofImages));
  const peak: PeakPlan = {
    bytes: sum(tasks.map(({ survey }) => bytesHere(survey))) + most,
    about: ofAllImages.about || steps(tasks).some(({ about }) => about),
    bytesOfImages: ofAllImages.bytes,
    bytesOfArchives: ofArchives.bytes,
    ...(shrunk > 0 && { bytesBeforeResize: shrunk }),
  };
  return { ...plan, bytesNeededOnDisk: most, peak };
}

function steps(tasks: readonly FetchTask[]): readonly FetchStep[] {
  return tasks.flatMap(({ step }) => (step.action === 'done' ? [] : [step]));
}

function toCome({ action, bytes, keptBytes }: FetchStep): number {
  return action === 'download' || action === 'resume' ? Math.max(0, bytes - keptBytes) : 0;
}

/** An incomplete folder is replaced by a whole one, and is there until then. */
function newImages({ survey }: FetchTask, size: Size): number {
  return areImagesSettled(survey.images) ? 0 : size.bytes;
}

/** What the images of an archive take more while it is unpacked than when they are made smaller. */
function toShrink({ survey }: FetchTask, { bytes, unpackedBytes }: ImageBytes): number {
  return areImagesSettled(survey.images) ? 0 : unpackedBytes - bytes;
}

function bytesHere(survey: FileSurvey): number {
  const { finalBytes, foreignPartBytes = 0, images, members } = survey;
  const ofImages = images === 'absent' ? 0 : (members?.bytes ?? 0);
  return finalBytes + keptBytesOf(survey) + foreignPartBytes + ofImages;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
