import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExportImage, FinishTarget, ImageQueue, ShardTarget } from '../../src/export/types.ts';
import { joinArchive } from '../../src/labels/join.ts';

export interface MadeImage {
  /** `ChestDx-1/patient1_000.jpg` */
  readonly place: string;
  /** undefined: it can't be read. */
  readonly bytes: Uint8Array | undefined;
  /** Bits of its labels. Default: not known. */
  readonly labels?: number;
}

/** Images to export, of one split. */
export function imagesOf(
  made: readonly MadeImage[],
  split: string | undefined,
): readonly ExportImage[] {
  return made.flatMap(({ place, bytes, labels }) => {
    const [stem = '', ...path] = place.split('/');
    const folder = { file: `${stem}.zip`, stem, subsets: ['chestdx'], images: [path.join('/')] };
    const rows = joinArchive(folder, { chest: [], covid: [] });
    return rows.map((row) => ({
      row: { ...row, labels: labels ?? null },
      ...{ split, ending: 'jpg', file: undefined },
      read: () => Promise.resolve(bytes),
    }));
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
    ...{ directory, split, number },
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
          bytes += chunk.length;
          await appendFile(path, chunk);
        },
        close: () => Promise.resolve(),
      };
    },
    rename: (from, to) => rename(join(directory, from), join(directory, to)),
  };
}
