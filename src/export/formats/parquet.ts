import { ALL_COLUMNS } from '../../description/columns.ts';
import { LABEL_COLUMNS } from '../../labels/label-names.ts';
import type { ExportImage, Exporter, FormatOptions, ImageQueue } from '../types.ts';
import {
  type ParquetColumn,
  ParquetFile,
  type ParquetImage,
  type ParquetRow,
} from './parquet-file.ts';
import { shardName } from './shard-name.ts';

/** What is in memory at once, twice: a group of rows is laid out before it is written. */
const GROUP_BYTES = 16e6;
/** Without images. */
const GROUP_ROWS = 65_536;

/** Loaders of Hugging Face take the split from such names in a folder that is called so. */
const FOLDER = 'data';

/** Parquet: the rows of index.csv without the path, and with the images where they are asked for. */
export function parquetExporter({ withImages, shardBytes }: FormatOptions): Exporter {
  return {
    readsAhead: withImages,
    writeShard: async (images, target) => {
      const file = await target.create(`${FOLDER}/${shardName(target, 5)}.parquet`);
      const columns = columnsOf(withImages, target.split !== undefined);
      const parquet = new ParquetFile(columns, (bytes) => file.write(bytes));
      for (let written = 0, isLast = false; written < shardBytes && !isLast;) {
        const group = await takeGroup(images, withImages, shardBytes - written);
        if (group.rows.length > 0) await parquet.addGroup(group.rows);
        for (const { giveBack } of group.images) giveBack();
        written += group.bytes;
        isLast = group.isLast;
      }
      await parquet.finish();
      await file.close();
    },
    finish: async (splits, target) => {
      for (const { split, shards } of splits) {
        for (let number = 0; number < shards; number += 1) {
          const name = `${FOLDER}/${shardName({ split, number }, 5)}`;
          await target.rename(
            `${name}.parquet`,
            `${name}-of-${String(shards).padStart(5, '0')}.parquet`,
          );
        }
      }
    },
  };
}

function columnsOf(withImages: boolean, hasSplit: boolean): readonly ParquetColumn[] {
  const columns = ALL_COLUMNS.filter(
    ({ name }) => name !== 'path' && (hasSplit || name !== 'split'),
  );
  return columns.map(({ name, type }) => {
    if (withImages && name === 'image') return { name, type: 'image' };
    return { name, type: type === 'integer' ? 'bit' : 'text' };
  });
}

interface Group {
  readonly rows: readonly ParquetRow[];
  /** Whose bytes are in them. */
  readonly images: readonly ExportImage[];
  /** Of the images in it. */
  readonly bytes: number;
  /** There is no image behind it. */
  readonly isLast: boolean;
}

async function takeGroup(images: ImageQueue, withImages: boolean, room: number): Promise<Group> {
  const rows: ParquetRow[] = [];
  const taken: ExportImage[] = [];
  let bytes = 0;
  while (rows.length < GROUP_ROWS && bytes < Math.min(GROUP_BYTES, room)) {
    const image = await images.next();
    if (image === undefined) return { rows, images: taken, bytes, isLast: true };
    const content = withImages ? await image.read() : undefined;
    if (!withImages) rows.push(rowOf(image, image.row.image));
    else if (content !== undefined) {
      taken.push(image);
      rows.push(rowOf(image, { bytes: content, path: pathOf(image) }));
    }
    bytes += content?.length ?? 0;
  }
  return { rows, images: taken, bytes, isLast: false };
}

/** Its name, with the ending of what it was converted to. */
function pathOf({ row, ending }: ExportImage): string {
  return `${row.image.replace(/\.[^.]*$/, '')}.${ending}`;
}

/** In the order of `columnsOf`. Not by `toRecord`: an object for each of 162,000 rows took most of the time. */
function rowOf({ row, split }: ExportImage, image: string | ParquetImage): ParquetRow {
  const { labels } = row;
  const cells: (string | number | ParquetImage | null)[] = [image, row.archive, row.subset];
  cells.push(row.class, row.patientId);
  for (let at = 0; at < LABEL_COLUMNS.length; at += 1) {
    cells.push(labels === null ? null : (labels >> at) & 1);
  }
  cells.push(row.covid === null ? null : Number(row.covid), row.check);
  if (split !== undefined) cells.push(split);
  return cells;
}
