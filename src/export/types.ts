import type { RunOptions } from '../dataset/session.ts';
import type { IndexRow } from '../labels/join.ts';
import type { TypedChoice } from '../labels/make-choice.ts';

/** What can be exported. */
export const EXPORT_FORMATS = [
  'csv',
  'jsonl',
  'torchxrayvision',
  'imagefolder',
  'webdataset',
  'monai',
  'parquet',
] as const;

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** What images can be converted to. */
export const IMAGE_FORMATS = ['jpg', 'png', 'webp'] as const;

export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** A row of an export. */
export interface ExportRow {
  readonly row: IndexRow;
  /** The part of the split that it is in, as `train`. undefined: no split was asked for. */
  readonly split: string | undefined;
  /** Without a dot, as the image is in the export: `jpg`. */
  readonly ending: string;
}

/** An image to export. Those of a shard are of one split. */
export interface ExportImage extends ExportRow {
  /** The file that it is in, where it goes as it is. undefined: it is in an archive, or is converted. */
  readonly file: string | undefined;
  /**
   * Its bytes: as they are, or converted. They are read ahead where the exporter says so.
   * @returns undefined: it can't be read. It is left out; that is already noted
   * @throws CcxriError of the disk; `aborted`
   */
  readonly read: () => Promise<Uint8Array | undefined>;
  /** To be called when its bytes are not looked at any more: their memory is used again. */
  readonly giveBack: () => void;
}

/** The images of one split, in the order of index.csv. */
export interface ImageQueue {
  /** The next image; undefined: there is none left. */
  next(): Promise<ExportImage | undefined>;
}

/** A file of the export that is being written: it is counted and hashed on the way. */
export interface OutputFile {
  /** Bytes so far. */
  readonly bytes: number;
  /**
   * The chunk's memory is its owner's again when the promise is fulfilled.
   * @throws CcxriError of the disk
   */
  write(chunk: Uint8Array | string | readonly Uint8Array[]): Promise<void>;
  /** Flushes it to the disk, and closes it. @throws CcxriError of the disk */
  close(): Promise<void>;
}

/** Where a shard goes. */
export interface ShardTarget {
  /** As `ExportRow.split`. */
  readonly split: string | undefined;
  /** Counted from 0 within its split. */
  readonly number: number;
  /** The directory that the export grows in. */
  readonly directory: string;
  /**
   * Makes a file, which replaces what an earlier run has left. What is not closed when the shard ends is
   * closed and left out.
   * @param name relative to the directory, with `/`
   */
  create(name: string): Promise<OutputFile>;
  /** Notes an image that has become a file of its own: a run that goes on looks whether it is still there. */
  readonly noteImage: (image: ExportedImage) => void;
}

/** The images of one split that were exported. */
export interface ExportedSplit {
  readonly split: string | undefined;
  /** How many shards it has. */
  readonly shards: number;
  /** Its rows, once more: those that were left out are not among them. */
  rows(): AsyncIterable<ExportRow>;
}

/** Where the files go that are written once all shards are there. */
export interface FinishTarget extends Pick<ShardTarget, 'directory' | 'create'> {
  /** Gives a file of a shard its final name, which may say how many shards there are. */
  rename(from: string, to: string): Promise<void>;
}

/**
 * Writes one format: rows in, files out, shard by shard. A run that was stopped goes on with the first
 * shard that is not whole.
 */
export interface Exporter {
  /** Whether the bytes of images are needed: they are read several at once, ahead of `writeShard`. */
  readonly readsAhead: boolean;
  /** Whether images that are a file and go as they are are linked: nothing of them is read ahead. */
  readonly linksFiles?: true;
  /**
   * Writes one shard: takes images until the shard is full or none is left. Not called for a split without
   * images.
   */
  writeShard(images: ImageQueue, target: ShardTarget): Promise<void>;
  /** Writes what is made of all images, and renames shards. Called again where a run was stopped in it. */
  finish?(splits: readonly ExportedSplit[], target: FinishTarget): Promise<void>;
}

/** What decides about the files of a format. */
export interface FormatOptions {
  /** Whether images go along. */
  readonly withImages: boolean;
  /** How large a shard, or a group of rows with images, may become in bytes, about. */
  readonly shardBytes: number;
}

export interface ExportOptions extends RunOptions {
  /** What is written. */
  readonly format: ExportFormat;
  /** The directory of the export. It is not there yet, or empty. */
  readonly to: string;
  /** Which images are meant, of those that are here. Default: all. */
  readonly choice?: TypedChoice | undefined;
  /** The name of a split in splits/: its parts are kept apart. Default: none. */
  readonly split?: string | undefined;
  /** Pixels of the longest side. A smaller image stays as large as it is. Default: as they are. */
  readonly resize?: number | undefined;
  /** 1 to 100, of converted jpg and webp. Default 90. */
  readonly quality?: number | undefined;
  /** What images are converted to. Default: jpg where they are resized, else as they are. */
  readonly imageFormat?: ImageFormat | undefined;
  /** Images go along, also where the format has labels alone otherwise. Default false. */
  readonly withImages?: boolean | undefined;
  /** How large a shard may become in bytes, about. Default 1 GB. */
  readonly shardBytes?: number | undefined;
  /** Replace an export that is there. Default false. */
  readonly force?: boolean | undefined;
  /** Say what would be exported, and write nothing. Default false. */
  readonly dryRun?: boolean | undefined;
}

/** A file of an export. */
export interface ExportedFile {
  /** Relative to the export, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** In lower-case hexadecimal. */
  readonly sha256: string;
}

/** An image that is a file of the export. */
export interface ExportedImage extends Omit<ExportedFile, 'sha256'> {
  /** In lower-case hexadecimal. Null: it is a link to the image of the dataset, and nobody has read it. */
  readonly sha256: string | null;
}

/** An image that could not be exported. */
export interface LeftOutImage {
  /** Below images/ of the dataset directory: `ChestDx-1/patient1_000.jpg`. */
  readonly image: string;
  /** Why, in words. */
  readonly why: string;
}

/** A part of the split in an export. */
export interface ExportedPart {
  /** As `train`. Null where no split was asked for. */
  readonly split: string | null;
  /** Images that were exported. */
  readonly images: number;
  /** Pieces that it was written in. */
  readonly shards: number;
}

/** An export that was written. */
export interface ExportResult {
  /** Its directory. */
  readonly path: string;
  /** What was written, as it is typed. */
  readonly format: ExportFormat;
  /** Images that were exported, or whose rows were. */
  readonly images: number;
  /** Archives that they are from. */
  readonly archives: number;
  /** The parts of the split; a single one where no split was asked for. */
  readonly parts: readonly ExportedPart[];
  /** Shards that an earlier run of the same export, which was stopped, had written. */
  readonly shardsKept: number;
  /** Files that were written, images and descriptions not counted. */
  readonly files: number;
  /** Bytes of these files. */
  readonly bytes: number;
  /**
   * Bytes on the disk that the images take, where they are not links to those of the dataset. Null: that is
   * not known before they are converted. 0: labels alone.
   */
  readonly bytesOfImages: number | null;
  /** Images that could not be read, or not be converted. */
  readonly leftOut: readonly LeftOutImage[];
  /** Images that were meant, and are in no part of the split. */
  readonly withoutPart: number;
  /** Names of the lists of patients and images that no image here has. */
  readonly notFound: readonly string[];
  /** Time that it took. */
  readonly elapsedMs: number;
}
