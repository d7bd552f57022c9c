import type { DatasetLayout } from '../dataset/layout.ts';
import { CcxriError, type NextStep } from '../errors.ts';
import { type Manifest, type ManifestFile, selectFiles, stemOf } from '../manifest/manifest.ts';
import type { Remark } from './remarks.ts';
import { archivesToList, candidatesOf, unknownArchives } from './candidates.ts';
import { type ChosenImages, chooseImages } from './choose-images.ts';
import { describeRemark } from './describe-remark.ts';
import { CHOICE_LABELS, type ImageChoice, toChoiceLabel } from './image-choice.ts';
import { DEFAULT_SEED } from './seed.ts';
import { readList } from './image-list.ts';
import { type LabelsHere, groupOf } from './join.ts';
import { archiveFacts, readLabels } from './scan.ts';

/** A choice as somebody types it. */
export interface TypedChoice {
  /** Labels, in any case, with blanks, `_` or `-`. Default: any. */
  readonly labels?: readonly string[] | undefined;
  /** Default false. */
  readonly allLabels?: boolean | undefined;
  readonly withoutLabels?: readonly string[] | undefined;
  /** A file that lists patients. */
  readonly patientsFile?: string | undefined;
  /** A file that lists images. */
  readonly imagesFile?: string | undefined;
  readonly limit?: number | undefined;
  readonly perLabel?: number | undefined;
  readonly normals?: number | undefined;
  /** Default `DEFAULT_SEED`. */
  readonly seed?: string | undefined;
}

/**
 * Reads what was typed, and the lists that it names.
 * @throws CcxriError `unknown-label`; `usage`: a list is wrong, or a label is asked for and excluded; of
 *   the disk
 */
export async function readChoice(typed: TypedChoice, manifest: Manifest): Promise<ImageChoice> {
  const { patientsFile, imagesFile, limit, perLabel, normals, seed = DEFAULT_SEED } = typed;
  const [labels, withoutLabels] = [typed.labels, typed.withoutLabels].map((names = []) => [
    ...new Set(names.map(toChoiceLabel)),
  ]);
  const both = labels?.find((label) => withoutLabels?.includes(label));
  if (both !== undefined) {
    const text = 'leave one of them out';
    throw new CcxriError('usage', `${both} is asked for and excluded`, {
      next: [{ kind: 'advice', text }],
    });
  }
  const archives = archiveFacts(manifest).map(({ stem }) => stem);
  const read = (kind: 'patients' | 'images', path: string | undefined) =>
    path === undefined ? undefined : readList({ kind, path, archives });
  return {
    labels: labels ?? [],
    allLabels: typed.allLabels,
    withoutLabels: withoutLabels ?? [],
    patients: await read('patients', patientsFile),
    images: await read('images', imagesFile),
    limit,
    perLabel,
    normals,
    seed,
  };
}

/** The label files without which the choice can't be made. @param files that are selected */
export function labelFilesFor(
  choice: ImageChoice,
  files: readonly ManifestFile[],
  manifest: Manifest,
): readonly ManifestFile[] {
  const byLabel = choice.labels.length > 0 ? choice.labels : choice.withoutLabels;
  const about = byLabel.length > 0 ? byLabel : CHOICE_LABELS;
  const wants = { covid: about.includes('COVID-19'), chest: about.some((l) => l !== 'COVID-19') };
  const named = archivesOfList(choice);
  const among = files.filter(({ name }) => named?.has(stemOf(name)) ?? true);
  const subsets = new Set(among.flatMap((each) => each.subsets));
  return manifest.files.filter((file) => {
    const isOfThese = file.kind === 'labels' && file.subsets.some((each) => subsets.has(each));
    return isOfThese && (groupOf(file.subsets) === 'Viral' ? wants.covid : wants.chest);
  });
}

/** Stems of the archives that a list of images is about; undefined: there is no such list, or one names none. */
function archivesOfList({ images, patients }: ImageChoice): ReadonlySet<string> | undefined {
  const places = [...(images ?? [])].map((image) => image.split('/'));
  const isOfArchives = places.length > 0 && places.every(({ length }) => length === 2);
  if (patients !== undefined || !isOfArchives) return undefined;
  return new Set(places.map(([stem = '']) => stem));
}

/** The images of an archive that was listed. */
export interface ListedNames {
  readonly file: ManifestFile;
  readonly names: readonly string[];
}

/** What a choice is made in. */
export interface ChoiceSource {
  readonly manifest: Manifest;
  readonly layout: DatasetLayout;
  /** Archives and label files that are selected; empty: all of the manifest. */
  readonly files: readonly ManifestFile[];
  /** The names of the images in each of the archives that no label file names. */
  readonly listImages: (archives: readonly ManifestFile[]) => Promise<readonly ListedNames[]>;
  readonly signal?: AbortSignal | undefined;
}

/** A choice that was made. */
export interface MadeChoice extends ChosenImages {
  /** The label files, as they were read for it. */
  readonly labelsHere: LabelsHere;
  /** What of the label files fits no archive. */
  readonly remarks: readonly Remark[];
}

/**
 * Reads the label files that are here, lists the archives that they do not speak of, and chooses.
 * @throws CcxriError `missing`: a label file; `nothing-chosen`; `labels-invalid`; as `listImages`; of the disk; `aborted`
 */
export async function makeChoice(choice: ImageChoice, source: ChoiceSource): Promise<MadeChoice> {
  const { manifest, layout, files, listImages, signal } = source;
  const labelsHere = await readLabels(layout, manifest, { signal });
  const { tables, files: labelFiles } = labelsHere;
  const all = archiveFacts(manifest);
  const stems = new Set(files.map(({ name }) => stemOf(name)));
  const archives = files.length === 0 ? all : all.filter(({ stem }) => stems.has(stem));
  const needed = labelFilesFor(choice, files.length === 0 ? manifest.files : files, manifest);
  const absent = labelFiles.find(
    ({ file, present }) => !present && needed.some(({ name }) => name === file),
  );
  if (absent !== undefined) throw labelsMissing(absent.file);
  const toList = archivesToList(choice, { archives, tables }).map(({ file }) => file);
  const listed =
    toList.length === 0 ? [] : await listImages(selectFiles(manifest, { files: toList }));
  const members = new Map(listed.map(({ file, names }) => [stemOf(file.name), names]));
  const choose = (of: ImageChoice) => chooseImages(candidatesOf({ archives, tables, members }), of);
  const made = { ...choose(choice), labelsHere, remarks: unknownArchives(tables, all) };
  const { images, controls } = made;
  if (images.length === 0) throw noImage(made, choice, choose({ ...choice, allLabels: false }));
  if (controls.length === 0 && (choice.normals ?? 0) > 0) throw noControl(made, choice);
  return made;
}

/** A label file without which nobody knows which images are meant. */
export function labelsMissing(file: string): CcxriError {
  return new CcxriError('missing', `${file} is not here: it says which images are meant`, {
    file,
    next: [{ kind: 'run', command: 'fetch', files: [file], purpose: 'to get it' }],
  });
}

/**
 * Nothing is never what was meant.
 * @param ofAny what was chosen with any of the labels
 */
function noImage(made: MadeChoice, choice: ImageChoice, ofAny: ChosenImages): CcxriError {
  const { labels, patients, images } = choice;
  const unknown = made.unknownPatients.length + made.unknownImages.length;
  const isListWrong = unknown > 0 && unknown === (patients?.size ?? 0) + (images?.size ?? 0);
  const isOfAll = choice.allLabels === true && labels.length > 1;
  const alone = ofAny.labels.filter(({ label }) => labels.includes(label));
  const none = [
    ...(isOfAll ? [`none has all of ${labels.join(', ')}`] : []),
    ...alone.map(({ label, fitting }) => `${label}: ${fitting}`),
  ];
  return new CcxriError('nothing-chosen', 'no image is as the options say', {
    found: `${made.fitting} images`,
    reasons: [
      ...(isListWrong ? ['no name of the list is in the selection'] : none),
      ...made.remarks.map(describeRemark),
    ],
    next: nextOfNone(choice),
  });
}

function noControl({ remarks }: MadeChoice, { normals }: ImageChoice): CcxriError {
  const message = 'there is no image without a finding that could be a control';
  return new CcxriError('nothing-chosen', message, {
    expected: `${normals} controls, in the selection and of the same part of the dataset`,
    found: 'none',
    reasons: remarks.map(describeRemark),
    next: [{ kind: 'option', option: 'subset', purpose: 'that has such images too' }],
  });
}

function nextOfNone({ labels, allLabels = false }: ImageChoice): readonly NextStep[] {
  const isNarrow = allLabels && labels.length > 1;
  const text = isNarrow
    ? 'ask for any of the labels instead of all'
    : 'leave one of the conditions out, or select more of the dataset';
  return [{ kind: 'advice', text }];
}
