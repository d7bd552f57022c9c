import { areImagesSettled } from '../dataset/images.ts';
import { fitsManifest } from '../dataset/ledger.ts';
import { type FileSurvey, knownSizeOf, statusOf } from '../dataset/survey.ts';
import { type DatasetLayout, rangesPathOf } from '../dataset/layout.ts';
import { CcxriError, type NextStep } from '../errors.ts';
import { type Span, type Spans, addSpan, bytesOf } from '../download/spans.ts';
import { type ManifestFile } from '../manifest/manifest.ts';
import { aboutBytesUnpacked, sumSizes } from '../manifest/size.ts';
import { readRanges } from '../ranges/range-store.ts';
import { type Address, isSameAddress, parseAddress, toFileUrl } from '../sources/address.ts';
import { readKeptLinks } from '../sources/kept-links.ts';
import { formatBytes } from '../text.ts';
import type { PlannedWork } from '../events.ts';
import type { ByteRange } from '../zip/reader.ts';
import type { FetchOptions, FetchPlan, FetchStep } from './fetch-types.ts';

export interface PlanChoices {
  readonly extract: boolean;
  readonly deleteArchives: boolean;
  /** No more than two archives at once. Default false. */
  readonly lowDisk?: boolean | undefined;
  /** Files under way at once. */
  readonly concurrency: number;
}

/** What is to be done with one file, and what that was decided by. */
export interface FetchTask {
  readonly survey: FileSurvey;
  readonly step: FetchStep;
}

/** What to do, from what is there. Pure. */
export function planFetch(
  surveys: readonly FileSurvey[],
  choices: PlanChoices,
  bytesFreeOnDisk: number | null,
): { readonly tasks: readonly FetchTask[]; readonly plan: FetchPlan } {
  const tasks = surveys.map((survey) => ({ survey, step: decideStep(survey, choices) }));
  const steps = tasks.map(({ step }) => step);
  const coming = steps.filter(isToCome).map((step) => ({ ...step, bytes: bytesToCome(step) }));
  const { bytes: bytesToDownload, about } = sumSizes(coming);
  const removed = tasks.filter(({ step }) => step.removes);
  const bytesToRemove = sum(removed.map(({ survey, step }) => survey.finalBytes || step.bytes));
  const bytesNeededOnDisk = bytesNeeded(tasks, choices);
  const sizes = { bytesToDownload, about, bytesToRemove, bytesNeededOnDisk, bytesFreeOnDisk };
  return { tasks, plan: { steps, ...sizes } };
}

function isToCome({ action }: FetchStep): boolean {
  return action === 'download' || action === 'resume';
}

function bytesToCome(step: FetchStep): number {
  return isToCome(step) ? Math.max(0, step.bytes - step.keptBytes) : 0;
}

export function decideStep(
  survey: FileSurvey,
  choices: Pick<PlanChoices, 'extract' | 'deleteArchives'>,
): FetchStep {
  const { file } = survey;
  const status = statusOf(survey);
  const keptBytes = keptBytesOf(survey);
  const isExtractable = file.kind === 'archive' && choices.extract;
  const step = (action: FetchStep['action'], keptBytes = 0): FetchStep => ({
    file: file.name,
    subsets: file.subsets,
    status: status === 'missing' ? 'to-download' : status,
    action,
    ...knownSizeOf(survey),
    keptBytes,
    removes: choices.deleteArchives && isRemovable(survey, action, isExtractable),
  });
  switch (survey.final) {
    case 'checked':
      return step(isExtractable && !areImagesSettled(survey.images) ? 'extract' : 'done');
    case 'changed':
    case 'other-manifest':
    case 'unchecked':
      return step('check');
    case 'absent':
      // The archive was here, and its images are: it is needed again only for its own sake.
      if (isExtractable && areImagesSettled(survey.images) && passedFor(survey)) {
        return step('done');
      }
      return keptBytes > 0 ? step('resume', keptBytes) : step('download');
  }
}

/** Bytes that need not come again: those of single images may be in the part as well. */
export function keptBytesOf({ partBytes, storedBytes = 0 }: FileSurvey): number {
  return Math.max(partBytes, storedBytes);
}

/** Everything that has to be done with a file, in its order. */
export function workOf(
  { survey: { file, images }, step }: FetchTask,
  choices: Pick<PlanChoices, 'extract'>,
): readonly PlannedWork[] {
  const work: PlannedWork[] = [];
  const add = (phase: PlannedWork['phase'], bytes: number) =>
    work.push({ file: file.name, subsets: file.subsets, phase, bytes });
  if (step.action === 'done') return work;
  if (step.action === 'check') add('hash', step.bytes);
  if (bytesToCome(step) > 0) add('download', bytesToCome(step));
  const isExtracted = file.kind === 'archive' && choices.extract && !areImagesSettled(images);
  if (isExtracted) add('extract', aboutBytesUnpacked(step.bytes));
  return work;
}

/** Will the archive be here, and all its images, extracted and checked? */
function isRemovable(
  { final, images }: FileSurvey,
  action: FetchStep['action'],
  isExtractable: boolean,
): boolean {
  if (action === 'done') return final === 'checked' && images === 'complete';
  return isExtractable;
}

function passedFor({ file, receipt }: FileSurvey): boolean {
  return receipt !== undefined && fitsManifest(file, receipt);
}

/**
 * Downloads, and images. Where archives are deleted, only those being worked on take space beside the
 * images.
 */
function bytesNeeded(tasks: readonly FetchTask[], choices: PlanChoices): number {
  const work = tasks.flatMap((task) => workOf(task, choices));
  const bytesOf = (phase: PlannedWork['phase']) =>
    work.flatMap((each) => (each.phase === phase ? [each.bytes] : []));
  const atOnce = choices.deleteArchives && choices.extract ? 2 * choices.concurrency : Infinity;
  const largest = bytesOf('download')
    .sort((a, b) => b - a)
    .slice(0, atOnce);
  return sum(largest) + sum(bytesOf('extract'));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}

export function isTooSmall(plan: FetchPlan): boolean {
  return plan.bytesFreeOnDisk !== null && plan.bytesNeededOnDisk > plan.bytesFreeOnDisk;
}

export function missingBytes({ bytesNeededOnDisk, bytesFreeOnDisk }: FetchPlan): number {
  return Math.max(0, bytesNeededOnDisk - (bytesFreeOnDisk ?? 0));
}

/** What to do about a disk that is too small for the rest of a run. */
export function spaceSteps(plan: FetchPlan): readonly NextStep[] {
  const need = formatBytes(plan.bytesNeededOnDisk);
  const free = formatBytes(plan.bytesFreeOnDisk ?? 0);
  const text = `free about ${formatBytes(missingBytes(plan))} (the rest needs about ${need}, ${free} are free)`;
  const elsewhere = { kind: 'option', option: 'dest' } as const;
  return [
    { kind: 'advice', text, or: elsewhere },
    { kind: 'again', purpose: 'to continue' },
  ];
}

/** @throws CcxriError `disk-space`, unless whoever is asked says to go on */
export async function assertRoom(
  plan: FetchPlan,
  { dest, confirmLowDisk }: Pick<FetchOptions, 'dest' | 'confirmLowDisk'>,
  choices: PlanChoices,
): Promise<void> {
  if (!isTooSmall(plan) || (await confirmLowDisk?.(plan)) === true) return;
  throw lowDiskError(plan, dest, choices);
}

export function lowDiskError(
  plan: FetchPlan,
  dest: string,
  { extract, deleteArchives, lowDisk }: Omit<PlanChoices, 'concurrency'>,
): CcxriError {
  const need = formatBytes(plan.bytesNeededOnDisk);
  const free = formatBytes(plan.bytesFreeOnDisk ?? 0);
  const less = lessDisk({ extract, deleteArchives, lowDisk });
  return new CcxriError(
    'disk-space',
    `the disk is too small by about ${formatBytes(missingBytes(plan))}: this needs about ${need}, ${free} are free`,
    {
      path: dest,
      expected: `about ${need}`,
      found: `${free} free`,
      kept: 'everything: nothing was started',
      next: [withSmallerImages({ ...less, or: { kind: 'option', option: 'yes' } }, plan)],
    },
  );
}

/** A size that networks for chest images take, with which images of the whole dataset need some 12 GB. */
const SMALL_PIXELS = '512';

/** Where a run with little disk has nothing here yet: images of two sizes are never mixed. */
function withSmallerImages(step: NextStep, { peak, bytesNeededOnDisk }: FetchPlan): NextStep {
  const isAsPublished = peak !== undefined && peak.bytesBeforeResize === undefined;
  if (!isAsPublished || peak.bytes !== bytesNeededOnDisk) return step;
  const purpose = '(smaller images; sharp has to be installed)';
  return { kind: 'option', option: 'resize', value: SMALL_PIXELS, purpose, or: step };
}

function lessDisk({
  extract,
  deleteArchives,
  lowDisk,
}: Omit<PlanChoices, 'concurrency'>): NextStep {
  if (!extract || lowDisk === true) return { kind: 'option', option: 'dest' };
  return deleteArchives
    ? { kind: 'option', option: 'low-disk', purpose: '(the images and two archives)' }
    : { kind: 'option', option: 'delete-archives', purpose: '(it needs about half)' };
}

/** The sources as typed: what is known before any of them is asked. */
export interface SourcesTyped {
  readonly sources: readonly string[];
  readonly layout: DatasetLayout;
}

/**
 * A survey as a plan counts it: a partial download from another server is of no use, and what single images
 * have brought is. What can't be known before the sources are asked is assumed to be usable.
 */
export async function withUsefulPart(survey: FileSurvey, typed: SourcesTyped): Promise<FileSurvey> {
  const storedBytes = await countStored(survey, typed);
  const useful = await withoutForeignPart(survey, typed);
  return storedBytes === 0 ? useful : { ...useful, storedBytes };
}

/** As `takeRanges` takes them over: not where a local directory comes first. */
async function countStored(
  { file, final }: FileSurvey,
  { sources: [first = ''], layout }: SourcesTyped,
): Promise<number> {
  const address = parseAddress(first);
  if (final !== 'absent' || file.kind !== 'archive') return 0;
  if (address.kind === 'path' && !address.isPage) return 0;
  const ranges = await readRanges(rangesPathOf(layout, file.name), file);
  const toSpan = ({ start, length }: ByteRange): Span => [start, start + length];
  return bytesOf(ranges.map(toSpan).reduce<Spans>(addSpan, []));
}

async function withoutForeignPart(
  survey: FileSurvey,
  { sources, layout }: SourcesTyped,
): Promise<FileSurvey> {
  const { file, partFrom } = survey;
  if (partFrom === null) return survey;
  if (file.url !== undefined && isSameAddress(file.url, partFrom)) return survey;
  for (const typed of sources) {
    const address = parseAddress(typed);
    if (mayLeadTo(partFrom, address, file)) return survey;
    if (address.kind !== 'web') continue;
    const kept = await readKeptLinks(layout.links, address.url);
    const url = kept?.files.find(({ name }) => name === file.name)?.url;
    if (url !== undefined && isSameAddress(url, partFrom)) return survey;
  }
  return { ...survey, partBytes: 0, partFrom: null, foreignPartBytes: survey.partBytes };
}

/** By the address alone: a page or listing has the files of its own server. */
function mayLeadTo(from: string, address: Address, { name }: ManifestFile): boolean {
  switch (address.kind) {
    case 'path':
      // A saved page may link to anywhere; a copy from a local directory is not resumed.
      return address.isPage;
    case 'template':
      return isSameAddress(toFileUrl(address.url, name), from);
    case 'web':
      return URL.canParse(from) && new URL(address.url).host === new URL(from).host;
    case 'invalid':
      return false;
  }
}
