import { join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import type { ImageReader } from '../dataset/image-reader.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import { isCcxriError } from '../errors.ts';
import { statOrNull } from '../fs/paths.ts';
import { imageFaultOf, isPicture } from '../fs/image-content.ts';
import { openImages } from '../labels/build-index.ts';
import { type IndexRow, placeOf } from '../labels/join.ts';
import type { LoadPool } from '../zip/load-pool.ts';
import type { ExportProgress } from './export-progress.ts';
import { endingOf } from './image-name.ts';
import type { Convert } from '../dataset/convert-image.ts';
import type { ArchivePart, PlannedSplit } from './plan.ts';
import type { ExportImage, Exporter } from './types.ts';

/** The bytes of an image, or why it has to be left out, in words. */
type Loaded = Uint8Array | string;

/** An image of the dataset on its way into the export. */
export type SourceImage = Omit<ExportImage, 'read'> & { readonly load: () => Promise<Loaded> };

export interface ImageSource {
  readonly layout: DatasetLayout;
  readonly exporter: Pick<Exporter, 'linksFiles'>;
  /** undefined: labels alone. */
  readonly progress: ExportProgress | undefined;
  /** undefined: images go as they are. */
  readonly convert: Convert | undefined;
  /** That images get by it; undefined: they keep their own. */
  readonly ending: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Unpacks images of archives ahead; undefined: each is unpacked when it is read. */
  readonly pool?: LoadPool | undefined;
}

/**
 * The images of a split in the order of index.csv. An archive is open while its images are taken.
 * @param skipped that an earlier run has written
 * @throws CcxriError of the disk; `aborted`
 */
export async function* readImages(
  { split, archives }: PlannedSplit,
  source: ImageSource,
  skipped: number,
): AsyncGenerator<SourceImage, void, void> {
  let toSkip = skipped;
  for (const part of archives) {
    const rows = part.rows.slice(toSkip);
    toSkip = Math.max(0, toSkip - part.rows.length);
    if (rows.length === 0) continue;
    if (source.progress === undefined) {
      throwIfAborted(source.signal);
      for (const row of rows) {
        const ending = endingOf(row.image);
        yield { row, split, ending, file: undefined, load: noBytes, giveBack: nothing };
      }
    } else yield* readArchive({ ...part, rows }, split, { ...source, progress: source.progress });
  }
}

const nothing = () => undefined;
const noBytes = () => Promise.resolve('labels alone are exported');

async function* readArchive(
  part: ArchivePart,
  split: string | undefined,
  source: ImageSource & { readonly progress: ExportProgress },
): AsyncGenerator<SourceImage, void, void> {
  const { layout, exporter, progress, signal, convert, pool } = source;
  const { archive } = part;
  const isFile = archive.packed === undefined && convert === undefined;
  const paths = part.rows.map((row) => pathInArchive(row));
  const ahead = pool === undefined ? undefined : { pool, paths };
  const reader = await openImages(part, layout, { signal, ahead });
  const folder = `images/${archive.stem}/`;
  const members = part.record?.members ?? [];
  const sizes = new Map(members.map(({ path, bytes }) => [`${folder}${path}`, bytes]));
  const underWay = new Set<Promise<Loaded>>();
  progress.begin(archive);
  try {
    for (const row of part.rows) {
      throwIfAborted(signal);
      const giveBack = () => reader.giveBack?.(pathInArchive(row));
      const load = () => {
        const content = loadImage(row, reader, archive.packed !== undefined).then(
          async (loaded) => {
            const made = await converted(loaded, convert);
            if (made !== loaded || typeof made === 'string') giveBack();
            return made;
          },
        );
        underWay.add(content);
        const settled = () => underWay.delete(content);
        content.then(settled, settled);
        return content;
      };
      const image = { row, split, ending: source.ending ?? endingOf(row.image), giveBack };
      const file = isFile ? join(layout.root, row.path) : undefined;
      const links = file !== undefined && exporter.linksFiles === true;
      // What is linked is read only where it is not as long as an extraction has left it, or nobody knows that.
      const judged =
        links && !(await isAsLong(file, sizes.get(row.path))) ? await load() : undefined;
      progress.moved(archive, row);
      if (judged === undefined) yield { ...image, file, load };
      else yield { ...image, file: typeof judged === 'string' ? undefined : file, load };
    }
  } finally {
    await Promise.allSettled(underWay);
    await reader.close();
    progress.end(archive);
  }
}

async function converted(loaded: Loaded, convert: Convert | undefined): Promise<Loaded> {
  if (typeof loaded === 'string' || convert === undefined) return loaded;
  const made = await convert(loaded);
  return made.kind === 'broken' ? made.why : made.bytes;
}

async function isAsLong(file: string, bytes: number | undefined): Promise<boolean> {
  return bytes !== undefined && (await statOrNull(file))?.size === bytes;
}

/** Below images/<archive>/. */
function pathInArchive(row: IndexRow): string {
  const place = placeOf(row);
  return place.slice(place.indexOf('/') + 1);
}

/** A damaged image does not end the export; a damaged disk does. */
async function loadImage(row: IndexRow, reader: ImageReader, isPacked: boolean): Promise<Loaded> {
  try {
    const content = await reader.read(pathInArchive(row));
    const fault = isPicture(row.image) ? imageFaultOf(content) : undefined;
    return fault ?? content;
  } catch (error) {
    if (!isCcxriError(error, 'damaged-archive', 'missing')) throw error;
    if (isPacked) return error.message;
    // Without the path, which is another one on each machine.
    return error.code === 'missing' ? 'missing' : 'not as it was extracted';
  }
}
