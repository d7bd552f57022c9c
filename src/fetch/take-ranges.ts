import { throwIfAborted } from '../abort.ts';
import { rangesPathOf } from '../dataset/layout.ts';
import type { Session } from '../dataset/session.ts';
import type { PartFile } from '../download/part-file.ts';
import type { PartOrigin } from '../download/part-state.ts';
import { gapsOf } from '../download/spans.ts';
import { isCcxriError } from '../errors.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { type StoredRange, readStore, removeRanges } from '../ranges/range-store.ts';
import { isSameAddress } from '../sources/address.ts';
import { locationsOf } from '../sources/open-source.ts';
import { type FileReader, openFileReader } from '../zip/reader.ts';
import type { FetchRun } from './with-downloads.ts';

const PIECE_BYTES = 256 * 1024;

/**
 * Puts what single images have brought of an archive into its part, so that a download of all of it does not
 * fetch these bytes again. The MD5 decides over them as over all others.
 * @throws CcxriError of the disk; `aborted`
 */
export async function takeRanges(file: ManifestFile, run: FetchRun): Promise<void> {
  const { session, downloads } = run;
  const path = rangesPathOf(session.layout, file.name);
  const kept = file.kind === 'archive' ? await readStore(path, file) : undefined;
  if (kept === undefined || kept.ranges.length === 0) return;
  const url = await urlOf(file, run);
  if (url === undefined) return;
  const { totalBytes, validator } = kept;
  const part = await downloads.parts.open(file);
  try {
    if (part.heldBytes === 0) await part.restart({ url, validator, totalBytes });
    if (!isSameVersion(part.origin, { url, validator, totalBytes })) return;
    const reader = await openFileReader(path);
    try {
      for (const range of kept.ranges) await copyRange(range, { reader, part, session });
    } finally {
      await reader.close();
    }
  } catch (error) {
    // The store has gone, or is shorter than its list: that costs its bytes alone.
    if (!isCcxriError(error, 'missing', 'damaged-archive')) throw error;
  } finally {
    await part.leave();
  }
  // The part has them now. If they are wrong, no later download may begin with them again.
  await removeRanges(path);
}

/** Bytes of two versions never make a file. Without a validator the length has to do. */
function isSameVersion(part: PartOrigin, store: PartOrigin): boolean {
  const isOther =
    part.validator !== null && store.validator !== null && part.validator !== store.validator;
  return !isOther && part.totalBytes === store.totalBytes && isSameAddress(part.url, store.url);
}

/** The archive is whole: nothing of the store is needed any more. @throws CcxriError of the disk */
export async function dropRanges({ kind, name }: ManifestFile, { layout }: Session): Promise<void> {
  if (kind === 'archive') await removeRanges(rangesPathOf(layout, name));
}

/** Where the download will begin; undefined: not on the web. */
async function urlOf(
  file: ManifestFile,
  { downloads: { sources, signal } }: FetchRun,
): Promise<string | undefined> {
  for await (const { location } of locationsOf(file, sources, signal)) {
    if (location !== undefined) return location.kind === 'url' ? location.url : undefined;
  }
  return undefined;
}

interface Copying {
  readonly reader: FileReader;
  readonly part: PartFile;
  readonly session: Session;
}

/** What of a range the part does not have yet. */
async function copyRange(
  { start, length, at }: StoredRange,
  { reader, part, session }: Copying,
): Promise<void> {
  const end = start + length;
  for (const [from, to] of gapsOf(part.spans, end)) {
    for (let position = Math.max(from, start); position < to;) {
      throwIfAborted(session.signal);
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, to - position));
      await reader.read(piece, at + position - start);
      await part.write(piece, position);
      position += piece.length;
    }
  }
}
