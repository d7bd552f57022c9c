import type { Member } from '../zip/directory.ts';
import type { FileReader } from '../zip/reader.ts';
import type { LeftBehind } from './left.ts';
import type { ImageMatch, KnownMember } from './match-image.ts';

/** A zip with images of the dataset, open as long as they are taken from it. */
export interface Bundle {
  readonly path: string;
  readonly reader: FileReader;
}

/** Where the bytes of an image are. */
type ImagePlace =
  | { readonly kind: 'file'; readonly isLinked: boolean }
  | { readonly kind: 'member'; readonly bundle: Bundle; readonly member: Member };

/** An image that was come across. */
export interface FoundImage {
  /** For people: of a member with the zip before it. For a file: where it is. */
  readonly path: string;
  readonly name: string;
  readonly place: ImagePlace;
}

/** An image, and what it is to become. */
export interface ImageFind extends FoundImage {
  /** Below images/<archive>/. */
  readonly target: string;
  /** What it has to be; undefined: nothing is known to check it by. */
  readonly expected: Pick<KnownMember, 'bytes' | 'crc32'> | undefined;
}

/** What was found of an archive's images. */
export interface ArchiveFinds {
  readonly images: ImageFind[];
  /** Images that are not taken, though they belong to it by name. */
  left: number;
  /** Of these, those that are not what the archive has. */
  wrong: number;
}

/** Collects images by archive; what has nothing to do with the dataset leaves no trace. */
export class ImageFinds {
  readonly #byArchive = new Map<string, ArchiveFinds>();
  readonly #selected: ReadonlySet<string>;
  readonly #left: LeftBehind;

  /** @param selected stems of the archives that are meant */
  constructor(selected: ReadonlySet<string>, left: LeftBehind) {
    this.#selected = selected;
    this.#left = left;
  }

  /** Stems of the archives of which something was found. */
  get archives(): readonly string[] {
    return [...this.#byArchive.keys()];
  }

  /** Of an archive, which it is asked for once: nothing of it is kept here any more. */
  remove(archive: string): ArchiveFinds {
    const finds = this.#of(archive);
    this.#byArchive.delete(archive);
    return finds;
  }

  #of(archive: string): ArchiveFinds {
    const finds = this.#byArchive.get(archive) ?? { images: [], left: 0, wrong: 0 };
    this.#byArchive.set(archive, finds);
    return finds;
  }

  /** @returns whether it is to be taken */
  add(image: FoundImage, match: ImageMatch): boolean {
    switch (match.kind) {
      case 'other':
        return false;
      case 'left':
        this.#leave(image, match);
        return false;
      case 'named':
        return this.#take(image, { archive: match.archive, path: image.name });
      case 'known':
        // Where several archives have the name, one of them is right at most for its bytes.
        return match.members
          .map((member) => this.#take(image, member, member))
          .some((isTaken) => isTaken);
    }
  }

  #take(
    image: FoundImage,
    { archive, path: target }: Pick<KnownMember, 'archive' | 'path'>,
    expected?: KnownMember,
  ): boolean {
    if (!this.#selected.has(archive)) {
      this.#left.add('not-selected', image.path, archive);
      return false;
    }
    this.#of(archive).images.push({ ...image, target, expected });
    return true;
  }

  #leave({ path }: FoundImage, match: Extract<ImageMatch, { kind: 'left' }>): void {
    const { archive } = match;
    if (archive !== undefined && !this.#selected.has(archive)) {
      this.#left.add('not-selected', path, archive);
      return;
    }
    this.#left.add(match.why, path, match.message);
    if (archive === undefined) return;
    const finds = this.#of(archive);
    finds.left += 1;
    if (match.why === 'differs') finds.wrong += 1;
  }
}
