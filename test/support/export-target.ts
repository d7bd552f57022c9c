import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { endingOf } from '../../src/export/image-name.ts';
import type {
  ExportImage,
  ExportedSplit,
  Exporter,
  FinishTarget,
  ImageQueue,
  ShardTarget,
} from '../../src/export/types.ts';
import { type IndexRow, joinArchive } from '../../src/labels/join.ts';

export interface MadeImage {
  /** `ChestDx-1/patient1_000.jpg` */
  readonly place: string;
  /** undefined: it can't be read. */
  readonly bytes: Uint8Array | undefined;
  /** Bits of its labels. Default: not known. */
  readonly labels?: number;
  /** Other cells of its row. */
  readonly row?: Partial<IndexRow>;
  /** Default: it is in an archive. */
  readonly file?: string;
  /** Default: as it is. */
  readonly ending?: string;
}

/** Images to export, of one split. */
export function imagesOf(
  made: readonly MadeImage[],
  split: string | undefined,
): readonly ExportImage[] {
  return made.flatMap(({ place, bytes, labels, file, ending, ...other }) => {
    const [stem = '', ...path] = place.split('/');
    const folder = { file: `${stem}.zip`, stem, subsets: ['chestdx'], images: [path.join('/')] };
    const rows = joinArchive(folder, { chest: [], covid: [] });
    return rows.map((row) => {
      let lent: Uint8Array | undefined;
      return {
        row: { ...row, labels: labels ?? null, ...other.row },
        ...{ split, file, ending: ending ?? endingOf(place) },
        read: () => Promise.resolve((lent = bytes && Uint8Array.from(bytes))),
        // As memory that is used again: who has given it back must not look into it any more.
        giveBack: () => lent?.fill(0xee),
      };
    });
  });
}

export function queueOf(images: readonly ExportImage[]): ImageQueue {
  const iterator = images[Symbol.iterator]();
  return {
    next: () => {
      const next = iterator.next();
      return Promise.resolve(next.done === true ? undefined : next.value);
    },
  };
}

/** A directory that is written without ado. */
export function targetIn(
  directory: string,
  split: string | undefined,
  number = 0,
): ShardTarget & FinishTarget {
  return {
    ...{ directory, split, number, noteImage: () => undefined },
    create: async (name) => {
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, '');
      let bytes = 0;
      return {
        get bytes() {
          return bytes;
        },
        write: async (chunk) => {
          for (const piece of [chunk].flat()) {
            bytes += piece.length;
            await appendFile(path, piece);
          }
        },
        close: () => Promise.resolve(),
      };
    },
    rename: (from, to) => rename(join(directory, from), join(directory, to)),
  };
}

/** Writes all images, shard by shard, and then what is made of all of them. */
export async function exportAll(
  exporter: Exporter,
  directory: string,
  splits: readonly (readonly [split: string | undefined, images: readonly ExportImage[]])[],
): Promise<void> {
  const exported: ExportedSplit[] = [];
  for (const [split, images] of splits) {
    const all = queueOf(images);
    let taken = 0;
    const queue = { next: () => ((taken += 1), all.next()) };
    let shards = 0;
    for (; taken < images.length; shards += 1) {
      await exporter.writeShard(queue, targetIn(directory, split, shards));
    }
    exported.push({ split, shards, rows: () => readable(images) });
  }
  await exporter.finish?.(exported, targetIn(directory, undefined));
}

async function* readable(images: readonly ExportImage[]): AsyncGenerator<ExportImage> {
  for (const image of images) if ((await image.read()) !== undefined) yield image;
}
