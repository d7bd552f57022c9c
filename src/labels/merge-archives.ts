import { allMembersOf, areSingle } from '../dataset/images.ts';
import type { MembersRecord } from '../dataset/ledger.ts';
import { foldName } from '../zip/names.ts';
import {
  type ArchiveFolder,
  type ArchiveImages,
  type ImageCheck,
  compareWithLedger,
  toImageKey,
} from './join.ts';

/** What one of several directories has of an archive. */
export interface ArchivePart {
  readonly folder: ArchiveFolder;
  /** Of the ledger of that directory; undefined: it has none. */
  readonly record: MembersRecord | undefined;
}

/** An image, by its path below images/<stem>/ and the part that has it. */
export interface PartImage {
  readonly path: string;
  readonly part: number;
}

/** What several directories have of an archive, as if it lay in one. */
export interface MergedArchive {
  readonly archive: ArchiveImages;
  /** Undefined: no directory knows its members. */
  readonly record: MembersRecord | undefined;
  /** Which part has each image. */
  readonly partOf: ReadonlyMap<string, number>;
  /** Images that two parts have, the one that counts first. */
  readonly doubles: readonly (readonly [PartImage, PartImage])[];
}

/**
 * Puts together what directories have of one archive. Of an image that several have, that of the first
 * counts; what the ledger of one knows of the archive holds for the images of all. No I/O.
 * @param parts at least one, in the order of the directories
 */
export function mergeArchives(parts: readonly [ArchivePart, ...ArchivePart[]]): MergedArchive {
  const compared = parts.map(({ folder, record }) => compareWithLedger(folder, record));
  const { counting, doubles } = imagesOf(compared);
  const record = mergeRecords(parts.map((part) => part.record));
  const images = counting.map(({ path }) => path);
  const whole = compareWithLedger({ ...parts[0].folder, images, strays: [] }, record);
  const partOf = new Map(counting.map(({ path, part }) => [path, part]));
  const checks = new Map<string, ImageCheck>();
  for (const { path, part } of counting) {
    const check = compared[part]?.checks.get(path);
    if (check !== undefined) checks.set(path, check);
  }
  const beside = compared.flatMap(({ unexpected }) => unexpected);
  return {
    archive: {
      ...whole,
      checks,
      areSingle: parts.every((part) => areSingle(part.record)),
      strays: unique(compared.flatMap(({ strays }) => strays)),
      unexpected: unique([...whole.unexpected, ...beside]).filter(
        (path) => !partOf.has(path) || whole.unexpected.includes(path),
      ),
      damaged: byPath(compared.flatMap(({ damaged }) => damaged)).filter(
        ({ path }) => !partOf.has(path),
      ),
      broken: compared.flatMap(({ broken }, at) =>
        broken.filter(({ path }) => partOf.get(path) === at),
      ),
    },
    record,
    partOf,
    doubles,
  };
}

/** Two names of one image, as with another ending, are one image; in one directory both count. */
function imagesOf(parts: readonly ArchiveImages[]) {
  const counting: PartImage[] = [];
  const doubles: [PartImage, PartImage][] = [];
  const byKey = new Map<string, PartImage>();
  for (const [part, { images }] of parts.entries()) {
    for (const path of images) {
      const key = foldName(toImageKey(path));
      const first = byKey.get(key);
      const image = { path, part };
      if (first !== undefined && first.part !== part) doubles.push([first, image]);
      else {
        byKey.set(key, first ?? image);
        counting.push(image);
      }
    }
  }
  return { counting, doubles };
}

/** What is known of the archive: by a ledger that knows all its members, else what all know together. */
function mergeRecords(records: readonly (MembersRecord | undefined)[]): MembersRecord | undefined {
  const known = records.filter((record) => record !== undefined);
  const [first] = known;
  const whole = known.find((record) => allMembersOf(record) !== undefined);
  if (whole !== undefined || first === undefined || known.length === 1) return whole ?? first;
  const members = byPath(known.flatMap((record) => record.members));
  const md5 = known.find((record) => record.md5 !== null)?.md5 ?? null;
  return { ...first, md5, isComplete: false, damaged: undefined, members };
}

function unique(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)];
}

/** The first of each path. */
function byPath<T extends { readonly path: string }>(items: readonly T[]): readonly T[] {
  const first = new Map<string, T>();
  for (const item of items) if (!first.has(item.path)) first.set(item.path, item);
  return [...first.values()];
}
