import { throwIfAborted } from '../abort.ts';
import { readOrNote } from '../audit/open-images.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { loadSharp } from '../dataset/load-sharp.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import { isCcxriError } from '../errors.ts';
import { openImages } from '../labels/build-index.ts';
import { placeOf } from '../labels/join.ts';
import { toPrintable } from '../text.ts';
import type { ImageSample, PickedImage } from './image-sample.ts';

/** What was seen of an image. */
interface Look {
  readonly width: number;
  readonly height: number;
  /** As an address that holds the picture itself. Absent where none was asked for. */
  readonly thumbnail?: string | undefined;
}

/** What was seen, by the path of the image in index.csv. */
export interface Looks {
  readonly seen: ReadonlyMap<string, Look>;
  /** Why an image was not, likewise. */
  readonly unseen: ReadonlyMap<string, string>;
}

/** Sees an image. @throws Error: it can't be decoded */
export type Looker = (content: Uint8Array, withThumbnail: boolean) => Promise<Look>;

/** Images read and decoded at once: Node's own pool has four threads. */
const AT_ONCE = 4;
/** The longer side. */
const THUMBNAIL_PIXELS = 176;

/** @returns undefined: sharp is not installed */
export async function findLooker(): Promise<Looker | undefined> {
  const sharp = await sharpOrNothing();
  if (sharp === undefined) return undefined;
  return async (content, withThumbnail) => {
    const { width, height } = await sharp(content).metadata();
    if (!withThumbnail) return { width, height };
    const small = await sharp(content, { failOn: 'error' })
      .resize(THUMBNAIL_PIXELS, THUMBNAIL_PIXELS, { fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 70 })
      .toBuffer();
    const thumbnail = `data:image/webp;base64,${small.toString('base64')}`;
    return { width, height, thumbnail };
  };
}

async function sharpOrNothing() {
  try {
    return await loadSharp('shown', '');
  } catch (error) {
    if (isCcxriError(error) && error.code === 'usage') return undefined;
    throw error;
  }
}

interface Looking {
  readonly layout: DatasetLayout;
  readonly look: Looker;
  readonly signal: AbortSignal | undefined;
}

/**
 * Looks at the images that were picked, an archive after the other.
 * @throws CcxriError of the disk; `aborted`
 */
export async function lookAtImages(
  { byLabel, ofAll }: Pick<ImageSample, 'byLabel' | 'ofAll'>,
  { layout, look, signal }: Looking,
): Promise<Looks> {
  const shown = byLabel.flatMap(({ images }) => images);
  const isShown = new Set(shown.map(({ row }) => row.path));
  const seen = new Map<string, Look>();
  const unseen = new Map<string, string>();
  for (const group of byArchive([...shown, ...ofAll])) {
    const [first] = group;
    if (first === undefined) continue;
    const reader = await openImages(first.found, layout, { signal });
    try {
      await forEachAtOnce(group, AT_ONCE, async ({ row }) => {
        throwIfAborted(signal);
        const place = placeOf(row);
        const read = () => reader.read(place.slice(place.indexOf('/') + 1));
        const content = await readOrNote(read, (why) => unseen.set(row.path, why));
        if (content === undefined) return;
        try {
          seen.set(row.path, await look(content, isShown.has(row.path)));
        } catch (error) {
          unseen.set(row.path, toPrintable(error instanceof Error ? error.message : String(error)));
        }
      });
    } finally {
      await reader.close();
    }
  }
  return { seen, unseen };
}

/** Each image once. */
function byArchive(images: readonly PickedImage[]): readonly (readonly PickedImage[])[] {
  const groups = new Map<string, Map<string, PickedImage>>();
  for (const image of images) {
    const { archive, path } = image.row;
    const group = groups.get(archive) ?? new Map<string, PickedImage>();
    groups.set(archive, group.set(path, image));
  }
  return [...groups.values()].map((group) => [...group.values()]);
}
