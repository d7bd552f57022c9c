import { describeLookAlike } from '../download/look-alike.ts';
import { isImageName, toImageKey } from '../labels/join.ts';
import { stemOf } from '../manifest/manifest.ts';
import type { LeftWhy } from './types.ts';

/** A member of an archive, as its directory has it. */
export interface KnownMember {
  /** Stem of the archive. */
  readonly archive: string;
  /** Below images/<archive>/. */
  readonly path: string;
  readonly bytes: number;
  readonly crc32: number;
}

/** What tells which archive an image is of. */
export interface ImageKnowledge {
  /** By image name. */
  readonly members: ReadonlyMap<string, readonly KnownMember[]>;
  /** Stems of archives of which every member is known. */
  readonly listed: ReadonlySet<string>;
  /** By image name: the stems that chest_dx.csv gives for it. */
  readonly labelled: ReadonlyMap<string, readonly string[]>;
  /** Images of viral pneumonia, of which the label file names no archive. */
  readonly viral: ReadonlySet<string>;
  /** Stems of the archives of viral pneumonia. */
  readonly viralArchives: readonly string[];
  /** Stems of the archives whose images have no row in any label file. */
  readonly withoutRows: ReadonlySet<string>;
  /** `archiveKey` to the stem. */
  readonly archives: ReadonlyMap<string, string>;
}

/** An image by its name and place, before a byte of it is read. */
export interface SeenImage {
  readonly name: string;
  /** The folders that it lies in, outermost first, a zip among them. */
  readonly folders: readonly string[];
  /** Where it is known without reading it. */
  readonly bytes?: number | undefined;
  readonly crc32?: number | undefined;
}

export type ImageMatch =
  /** One of these it is, if its bytes are right. */
  | { readonly kind: 'known'; readonly members: readonly KnownMember[] }
  /** By its name: nothing is known of its bytes. */
  | { readonly kind: 'named'; readonly archive: string }
  | {
      readonly kind: 'left';
      readonly why: LeftWhy;
      readonly message: string | null;
      readonly archive?: string | undefined;
    }
  /** Nothing says that it has to do with the dataset. */
  | { readonly kind: 'other' };

/** As the published images are called. */
const PUBLISHED_NAME = /^patient\d+_\d+\.jpg$/;
const OTHER: ImageMatch = { kind: 'other' };

/** `ChestDx_PE-1`, `chestdx-pe-1.zip` and `ChestDx_PE-1 (2)` are one archive. */
export function archiveKey(name: string): string {
  const stem = stemOf(name.trim().toLowerCase());
  return stem.replace(/ ?\(\d+\)$/, '').replaceAll('_', '-');
}

/** Which archive an image is of, and how sure that is. Pure. */
export function matchImage(image: SeenImage, known: ImageKnowledge): ImageMatch {
  const { name } = image;
  if (!isImageName(name)) return OTHER;
  const key = toImageKey(name);
  const inFolder = folderArchive(image.folders, known);
  const members = known.members.get(name);
  if (members !== undefined) return matchMembers(image, members, inFolder);
  const isOurs =
    known.labelled.has(key) ||
    known.viral.has(key) ||
    known.members.has(key) ||
    isWanted(image, inFolder, known);
  if (!isOurs) return matchOther(image, inFolder);
  if (name !== key) return left('converted', 'published as .jpg');
  const found = archiveByName(key, inFolder, known);
  if (typeof found !== 'string') return found;
  if (known.listed.has(found)) return left('not-in-archive', `${found} has no such image`, found);
  return { kind: 'named', archive: found };
}

/** Of archives without rows: the folder tells, and the name is one of the dataset. */
function isWanted(
  { name }: SeenImage,
  inFolder: string | undefined,
  known: ImageKnowledge,
): boolean {
  const isRowless = inFolder !== undefined && known.withoutRows.has(inFolder);
  return isRowless && PUBLISHED_NAME.test(toImageKey(name));
}

/** The bytes decide; where several archives have the name and nothing tells, so does the folder. */
function matchMembers(
  { bytes, crc32 }: SeenImage,
  members: readonly KnownMember[],
  inFolder: string | undefined,
): ImageMatch {
  const fitting = members.filter(
    (member) =>
      (bytes === undefined || member.bytes === bytes) &&
      (crc32 === undefined || member.crc32 === crc32),
  );
  const own = fitting.filter(({ archive }) => archive === inFolder);
  if (fitting.length > 0) return { kind: 'known', members: own.length > 0 ? own : fitting };
  const [first] = members.filter(({ archive }) => archive === inFolder).concat(members);
  const archive = first?.archive ?? '';
  const expected = `${archive} has another of ${first?.bytes ?? 0} bytes under this name`;
  return left('differs', expected, archive);
}

function archiveByName(
  key: string,
  inFolder: string | undefined,
  known: ImageKnowledge,
): string | ImageMatch {
  const labelled = known.labelled.get(key) ?? [];
  if (labelled.length > 0) {
    if (inFolder !== undefined && labelled.includes(inFolder)) return inFolder;
    const [only, ...others] = labelled;
    if (inFolder === undefined && only !== undefined && others.length === 0) return only;
    if (inFolder === undefined) return left('unknown-archive', labelled.join(' or '));
    return left(
      'contradiction',
      `by its folder of ${inFolder}, by its labels of ${labelled.join(', ')}`,
    );
  }
  if (known.viral.has(key)) {
    if (inFolder !== undefined && known.viralArchives.includes(inFolder)) return inFolder;
    const message = `${known.viralArchives.join(' or ')}: its label file does not tell, and neither does its folder`;
    return left(inFolder === undefined ? 'unknown-archive' : 'contradiction', message);
  }
  return inFolder ?? OTHER;
}

/** It has a name of the dataset, or lies where one of its archives would: that is said. */
function matchOther(image: SeenImage, inFolder: string | undefined): ImageMatch {
  const alike = describeLookAlike({
    topFolder: null,
    members: [{ name: [...image.folders, image.name].slice(-4).join('/') }],
  });
  if (alike !== undefined) return left('other-dataset', alike);
  if (!PUBLISHED_NAME.test(toImageKey(image.name))) return OTHER;
  const message =
    inFolder === undefined
      ? 'no label file that is here, no member index and no folder tells its archive'
      : `no label file that is here has it, though its folder is called ${inFolder}`;
  return left('unknown-archive', message);
}

/** The archive that the nearest folder of such a name names. */
function folderArchive(
  folders: readonly string[],
  { archives }: Pick<ImageKnowledge, 'archives'>,
): string | undefined {
  for (const folder of folders.toReversed()) {
    const archive = archives.get(archiveKey(folder));
    if (archive !== undefined) return archive;
  }
  return undefined;
}

function left(why: LeftWhy, message: string | null, archive?: string): ImageMatch {
  return { kind: 'left', why, message, archive };
}
