import { allMembersOf, areSingle, findUnexpected } from '../dataset/images.ts';
import type { MembersRecord } from '../dataset/ledger.ts';
import type { DamagedMember } from '../events.ts';
import type { BrokenImage } from '../zip/member-faults.ts';
import { foldName } from '../zip/names.ts';
import type { Examples } from './label-names.ts';

/** `chest`: labels by image and archive; `covid`: a tag by image, for viral pneumonia. */
export type LabelForm = 'chest' | 'covid';

interface LabelFileFacts {
  readonly file: string;
  readonly rows: number;
  /** Rows that say again what an earlier row says: harmless. */
  readonly repeated: Examples;
  /** Columns that are not used. */
  readonly extraColumns: readonly string[];
  /** Cells that are no value. Absent where one is an error. */
  readonly badCells?: Examples | undefined;
}

/** chest_dx.csv: the labels of ChestDx and ChestDx-PE. */
export interface ChestLabels extends LabelFileFacts {
  readonly form: 'chest';
  /** Archive stem, then `toImageKey` of the image, to the bits of LABEL_COLUMNS. */
  readonly byArchive: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** viral_pneumonia_COVID-19.csv: which images of viral pneumonia are COVID-19. */
export interface CovidLabels extends LabelFileFacts {
  readonly form: 'covid';
  /** By `toImageKey` of the image: the file names no archive. */
  readonly byImage: ReadonlyMap<string, boolean>;
}

/** A label file of the manifest, whether it is here or not. */
export interface LabelFacts {
  readonly file: string;
  readonly subsets: readonly string[];
  /** What its header says; of a file that is not here, what its subsets let expect. */
  readonly form: LabelForm;
  readonly present: boolean;
}

/** What the join must know of an archive; `subsets` in the manifest's order. */
export interface ArchiveFacts {
  readonly file: string;
  /** `ChestDx-1`, also its folder below images/. */
  readonly stem: string;
  readonly subsets: readonly string[];
}

/** An archive whose images are here: its folder. */
export interface ArchiveFolder extends ArchiveFacts {
  /** Relative to images/<stem>/, with `/`. */
  readonly images: readonly string[];
  /** Other files there, likewise. */
  readonly strays: readonly string[];
  /** What the archive itself has, where nothing of it is extracted. Absent: it is a folder. */
  readonly packed?: MembersRecord | undefined;
}

/** The folder compared with the archive's members, as the ledger knows them. */
export interface ArchiveImages extends ArchiveFolder {
  /** Whether the ledger knows them all. Where it does not, every image of the folder counts. */
  readonly membersKnown: boolean;
  /** Single images: nobody expects the others. */
  readonly areSingle: boolean;
  /** How each image was checked. Of one that is not in it nothing is known. */
  readonly checks: ReadonlyMap<string, ImageCheck>;
  /** Images that the archive does not have. They are none of `images`. */
  readonly unexpected: readonly string[];
  readonly damaged: readonly DamagedMember[];
  readonly broken: readonly BrokenImage[];
}

/** The label files that are here, read. */
export interface LabelTables {
  readonly chest: readonly ChestLabels[];
  readonly covid: readonly CovidLabels[];
}

export interface LabelsHere {
  readonly tables: LabelTables;
  /** Every label file of the manifest, here or not. */
  readonly files: readonly LabelFacts[];
}

/**
 * How an image was checked: `verified`: by the MD5 of its archive; `content-checked`: by that of all
 * members, where the published MD5 is disputed; `crc-checked`: by its own CRC-32 alone, for it was fetched
 * without its archive; `named`: not at all: it was adopted by its name, or the ledger does not know it;
 * `resized`: it was written smaller than published, out of a member that was checked.
 */
export type ImageCheck = 'verified' | 'content-checked' | 'crc-checked' | 'named' | 'resized';

export type ImageClass = 'Normal' | 'Viral' | 'COVID-19' | 'Other';

/** A row of index.csv. null: not known, or not meant for this image. */
export interface IndexRow {
  readonly path: string;
  readonly image: string;
  readonly archive: string;
  readonly subset: string;
  readonly class: ImageClass | null;
  readonly patientId: string;
  /** Bits of LABEL_COLUMNS. */
  readonly labels: number | null;
  readonly covid: boolean | null;
  readonly check: ImageCheck;
}

/** @param record of the archive's members in the ledger; undefined: it has none */
export function compareWithLedger(
  folder: ArchiveFolder,
  record: MembersRecord | undefined,
): ArchiveImages {
  const { damaged = [], broken = [] } = record ?? {};
  const members = allMembersOf(record);
  const unexpected = members === undefined ? [] : findUnexpected(folder.images, members, nameKey);
  const isUnexpected = new Set(unexpected);
  return {
    ...folder,
    images: folder.images.filter((path) => !isUnexpected.has(path)),
    membersKnown: members !== undefined,
    areSingle: areSingle(record),
    checks: checksOf(folder.images, record),
    unexpected,
    damaged,
    broken,
  };
}

/** What the ledger says of each image; nothing once `verify` has found some of them bad. */
function checksOf(
  images: readonly string[],
  record: MembersRecord | undefined,
): ReadonlyMap<string, ImageCheck> {
  const checks = new Map<string, ImageCheck>();
  if (record === undefined || record.foundBadAt !== undefined) return checks;
  for (const { path, state } of record.members) checks.set(path, state);
  // A disk may list a member under another form of its name.
  const others = images.filter((path) => !checks.has(path));
  if (others.length === 0) return checks;
  const own = new Set(images);
  const byFolded = new Map(
    record.members.filter(({ path }) => !own.has(path)).map((each) => [foldName(each.path), each]),
  );
  for (const path of others) {
    const member = byFolded.get(foldName(path));
    if (member !== undefined) checks.set(path, member.state);
  }
  return checks;
}

/** A member may have been moved into another folder, or converted. */
function nameKey(path: string): string {
  return foldName(toImageKey(nameOf(path)));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The rows of one archive, sorted by image. */
export function joinArchive(
  archive: Omit<ArchiveFolder, 'strays'> & Partial<Pick<ArchiveImages, 'checks'>>,
  tables: LabelTables,
): readonly IndexRow[] {
  const group = groupOf(archive.subsets);
  return archive.images
    .map((path) => ({ path, image: nameOf(path) }))
    .sort((a, b) => compareNames(a.image, b.image) || compareNames(a.path, b.path))
    .map(({ path, image }) => {
      const covid = group === 'Viral' ? covidOf(tables, image) : null;
      return {
        path: `images/${archive.stem}/${path}`,
        image,
        archive: archive.stem,
        subset: archive.subsets[0] ?? '',
        class: group === 'Viral' ? viralClass(covid) : group,
        patientId: patientOf(image),
        labels: labelsOf(tables, archive.stem, image),
        covid,
        check: archive.checks?.get(path) ?? 'named',
      };
    });
}

/** `ChestDx-1/patient1000_000.jpg`: the image of a row, below images/. */
export function placeOf({ path }: IndexRow): string {
  return path.slice('images/'.length);
}

/** The class of an archive of CC-CXRI-P; null for ChestDx and ChestDx-PE. */
export function groupOf(subsets: readonly string[]): 'Normal' | 'Viral' | 'Other' | null {
  if (subsets.includes('normal')) return 'Normal';
  if (subsets.includes('viral')) return 'Viral';
  return subsets.includes('other') ? 'Other' : null;
}

/**
 * Without a tag an image of viral pneumonia may be either class: then it is not known. `Viral` would
 * put COVID-19 (27 % of these images) among its negatives, and nobody would notice.
 */
export function viralClass(covid: boolean | null): 'Viral' | 'COVID-19' | null {
  if (covid === null) return null;
  return covid ? 'COVID-19' : 'Viral';
}

/** The dataset has .jpg; the others are what a mirror may have converted them to. */
const IMAGE_ENDING = /\.(?:jpe?g|png|dcm)$/i;

/** Left by macOS and editors, with copies of image names inside. */
export const NOT_OURS = /^(?:\..*|__MACOSX)$/;

/** @param path below the folder of an archive's images */
export function isImagePath(path: string): boolean {
  return isImageName(nameOf(path)) && !path.split('/').some((part) => NOT_OURS.test(part));
}

export function isImageName(name: string): boolean {
  return !name.startsWith('.') && IMAGE_ENDING.test(name);
}

/**
 * The name by which an image and its label row find each other: as published, with `.jpg`, whatever
 * the ending is, and where the row has none.
 */
export function toImageKey(name: string): string {
  return name.endsWith('.jpg') ? name : `${name.replace(IMAGE_ENDING, '')}.jpg`;
}

export function labelsOf(tables: LabelTables, stem: string, image: string): number | null {
  const key = toImageKey(image);
  for (const table of tables.chest) {
    const bits = table.byArchive.get(stem)?.get(key);
    if (bits !== undefined) return bits;
  }
  return null;
}

export function covidOf(tables: LabelTables, image: string): boolean | null {
  const key = toImageKey(image);
  for (const table of tables.covid) {
    const covid = table.byImage.get(key);
    if (covid !== undefined) return covid;
  }
  return null;
}

/** `patient17664` of `patient17664_000.jpg`: the string before the last `_`. */
export function patientOf(image: string): string {
  return image.slice(0, Math.max(0, image.lastIndexOf('_')));
}

/** 0 of `patient17664_000.jpg`; undefined: it has none. */
export function numberOf(image: string): number | undefined {
  const digits = /_(\d{1,9})(?:\.[^.]*)?$/.exec(image)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** ChestDx-2 before ChestDx-10, ChestDx before ChestDx_PE: by name, then by number. */
export function compareArchives(a: string, b: string): number {
  const left = splitNumber(a);
  const right = splitNumber(b);
  return compareNames(left.name, right.name) || left.number - right.number || compareNames(a, b);
}

function splitNumber(stem: string): { readonly name: string; readonly number: number } {
  const digits = /\d*$/.exec(stem)?.[0] ?? '';
  return { name: stem.slice(0, stem.length - digits.length), number: Number(digits) };
}

/** By UTF-16 code units: the same on every machine, whatever its locale. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
