import { throwIfAborted } from '../abort.ts';
import type { DownloadContext } from '../download/context.ts';
import { notThere, summarizeFailures, toFailure } from '../download/failures.ts';
import { CcxriError, isCcxriError, toErrorRecord } from '../errors.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { isPlausibleSize, lengthsText } from '../manifest/size.ts';
import { type Found, locationsOf } from '../sources/open-source.ts';
import type { Source } from '../sources/source.ts';
import { formatCount, toPrintable } from '../text.ts';
import { openFileReader } from '../zip/reader.ts';
import type { RangedFile } from './ranged-file.ts';
import { type FileIdentity, RemoteFile } from './remote-file.ts';

/**
 * Does work on a file at a source, and all of it once more where the file has changed meanwhile.
 * @throws as `work`
 */
export async function startOverIfChanged<T>(
  signal: AbortSignal,
  work: (isSecond: boolean) => Promise<T>,
): Promise<T> {
  try {
    return await work(false);
  } catch (error) {
    if (!isCcxriError(error, 'changed')) throw error;
    throwIfAborted(signal);
    return work(true);
  }
}

/** A file at the source that it was opened at. */
export interface OpenedAt {
  readonly ranged: RangedFile;
  readonly source: Source;
}

/**
 * Opens a file of the manifest at the first source that has it and serves parts of it. Of a file on the
 * web its last bytes have come with that, unless it is known.
 * @param known of the first source's, probably: nothing is asked of it, and its first answer is compared
 * @throws CcxriError `ranges-refused`: a source has it, and none serves parts; else the most specific of
 *   what was met; `aborted`
 */
export async function openAtSource(
  file: ManifestFile,
  context: DownloadContext,
  known?: FileIdentity,
): Promise<OpenedAt> {
  const failures: CcxriError[] = [];
  for await (const found of locationsOf(file, context.sources, context.signal)) {
    const { source } = found;
    const last = failures.at(-1);
    // Of the last source the error itself says it.
    if (last !== undefined) emitLeft(last, file, context);
    try {
      const about = { file, known: source === context.sources[0] ? known : undefined };
      return { ranged: await openAt(about, found, context), source };
    } catch (error) {
      throwIfAborted(context.signal);
      failures.push(toFailure(error, source.name));
    }
  }
  throw summarizeFailures(failures, file, 0);
}

/** The next source has its turn. @param failure with the name of the one that is left */
export function emitLeft(
  failure: CcxriError,
  { name: file }: ManifestFile,
  { onEvent }: Pick<DownloadContext, 'onEvent'>,
): void {
  const { source = '' } = failure.facts;
  onEvent({ event: 'source-left', file, source, error: toErrorRecord(failure) });
}

async function openAt(
  { file, known }: { readonly file: ManifestFile; readonly known: FileIdentity | undefined },
  { source, location, error }: Found,
  context: DownloadContext,
): Promise<RangedFile> {
  if (error !== undefined) throw error;
  if (location === undefined) throw notThere(file, source);
  const locateAgain = () =>
    source.locateAgain?.(file, context.signal) ?? Promise.resolve(undefined);
  const opened =
    location.kind === 'path'
      ? await openLocal(location.path, context)
      : await RemoteFile.open({ file, url: location.url, locateAgain }, context, known);
  if (isPlausibleSize(file, opened.sizeBytes)) return opened;
  await opened.close();
  throw new CcxriError('not-the-file', `${file.name}: what is at ${opened.place} is another file`, {
    file: file.name,
    source: source.name,
    expected: lengthsText(file),
    found: `${formatCount(opened.sizeBytes)} bytes`,
    next: [{ kind: 'option', option: 'source' }],
  });
}

const PIECE_BYTES = 256 * 1024;

/** A file of a local directory, read in place. @throws CcxriError `missing`, `occupied`; of the disk */
export async function openLocal(
  path: string,
  { signal }: Pick<DownloadContext, 'signal'>,
): Promise<RangedFile> {
  const reader = await openFileReader(path);
  return {
    sizeBytes: reader.sizeBytes,
    place: toPrintable(path),
    url: null,
    isLocal: true,
    reader,
    validator: String(reader.mtimeMs),
    read: (into, position) => reader.read(into, position),
    assertUnchanged: () => reader.assertUnchanged(),
    close: () => reader.close(),
    fetch: async ({ start, length }, onPiece) => {
      const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, length));
      for (let done = 0; done < length;) {
        throwIfAborted(signal);
        const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
        await reader.read(piece, start + done);
        await onPiece(piece);
        done += piece.length;
      }
    },
  };
}
