import { throwIfAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { forEachAtOnce } from '../concurrency.ts';
import type { ImageReader } from '../dataset/image-reader.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import { isCcxriError } from '../errors.ts';
import type { EventListener } from '../events.ts';
import { imageFaultOf, isPicture } from '../fs/image-content.ts';
import { type ArchiveRows, openImages } from '../labels/build-index.ts';
import type { IndexRow } from '../labels/join.ts';
import type { RemarkKind } from '../labels/remarks.ts';
import { ProgressThrottle } from '../progress-throttle.ts';
import type { Decode } from './decoder.ts';

/** Images read, and decoded, at once: Node's own pool has four threads. */
const AT_ONCE = 4;

/** Notes what was found in an image. */
export type Note = (kind: RemarkKind, example: string) => void;

interface Opening {
  readonly layout: DatasetLayout;
  /** undefined: only what no extraction has judged is opened, and not decoded. */
  readonly decode: Decode | undefined;
  readonly note: Note;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly onEvent: EventListener;
}

/**
 * Opens the images of an archive that are not known to be pictures, and notes those that are none.
 * @returns how many were opened
 * @throws CcxriError of the disk; `aborted`
 */
export async function openImagesOf(found: ArchiveRows, opening: Opening): Promise<number> {
  const { archive } = found;
  const { layout, decode, signal, clock, onEvent } = opening;
  const images = imagesToOpen(found, decode);
  if (images.length === 0) return 0;
  const phase = { file: archive.file, subsets: archive.subsets, phase: 'check' } as const;
  const totalBytes = bytesOf(images, found);
  let doneBytes = 0;
  onEvent({ event: 'phase-start', ...phase, doneBytes, totalBytes });
  const throttle = new ProgressThrottle(clock, onEvent);
  const reader = await openImages(found, layout, { signal });
  try {
    await forEachAtOnce(images, AT_ONCE, async ({ path }) => {
      throwIfAborted(signal);
      // Not `doneBytes += await …`: that adds to what was done before the image was read.
      const bytes = await judge(path, reader, opening);
      doneBytes += bytes;
      throttle.emit({ ...phase, doneBytes, totalBytes });
    });
  } finally {
    await reader.close();
  }
  onEvent({ event: 'phase-done', ...phase, bytes: doneBytes, members: images.length });
  return images.length;
}

/** What an extraction has judged is opened only to be decoded. */
function imagesToOpen(
  { archive, rows }: ArchiveRows,
  decode: Decode | undefined,
): readonly IndexRow[] {
  const known = new Set(archive.broken.map(({ path }) => `images/${archive.stem}/${path}`));
  const isMeant = ({ check }: IndexRow) => decode !== undefined || check === 'named';
  return rows.filter((row) => isPicture(row.path) && isMeant(row) && !known.has(row.path));
}

/** null: of some of them it is not known. */
function bytesOf(images: readonly IndexRow[], { archive, record }: ArchiveRows): number | null {
  const known = new Map(record?.members.map(({ path, bytes }) => [path, bytes]));
  const inFolder = ({ path }: IndexRow) => path.slice(`images/${archive.stem}/`.length);
  const all = images.flatMap((image) => known.get(inFolder(image)) ?? []);
  return all.length === images.length ? all.reduce((sum, bytes) => sum + bytes, 0) : null;
}

/** @returns its bytes */
async function judge(
  path: string,
  reader: ImageReader,
  { note, decode }: Opening,
): Promise<number> {
  const place = path.slice('images/'.length);
  const read = () => reader.read(place.slice(place.indexOf('/') + 1));
  const content = await readOrNote(read, (why) => note('undecodable-image', `${place}: ${why}`));
  if (content === undefined) return 0;
  const fault = imageFaultOf(content);
  const why = fault ?? (await decode?.(content));
  if (why !== undefined) {
    note(fault === undefined ? 'undecodable-image' : 'broken-image', `${place}: ${why}`);
  }
  return content.length;
}

/** A damaged image does not end the work; a damaged disk does. */
export async function readOrNote(
  read: () => Promise<Uint8Array>,
  note: (why: string) => unknown,
): Promise<Uint8Array | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!isCcxriError(error)) throw error;
    if (error.code !== 'damaged-archive' && error.code !== 'missing') throw error;
    note(error.message);
    return undefined;
  }
}
