import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { CcxriError, errnoOf } from '../errors.ts';
import { type ManifestFile } from '../manifest/manifest.ts';
import { isPlausibleSize, lengthsText } from '../manifest/size.ts';
import { formatCount, toPrintable } from '../text.ts';
import type { Transfer } from './context.ts';
import { lookAlikeAt } from './look-alike.ts';
import { receiveWhole } from './receive-body.ts';
import { newSegment } from './segments.ts';

/**
 * A file of a local directory: copied, never linked, so that it does not depend on its source.
 * @throws CcxriError `file-not-at-source`, `source-unusable`: it can't be read; as `receiveWhole`
 */
export async function copyLocalFile(transfer: Transfer, path: string): Promise<void> {
  const { file, context } = transfer;
  const totalBytes = await sizeOf(path, file.name);
  await assertNoLookAlike(file, path, totalBytes);
  const body = {
    where: toPrintable(path),
    isLocal: true,
    header: () => undefined,
    origin: { url: pathToFileURL(path).href, validator: null, totalBytes },
    bytes: read(path, file.name),
  };
  await receiveWhole(transfer, body, newSegment(0, Infinity, context.clock.nowMs()));
}

/** Of the right length, its MD5 shows that it is another: then its content is looked at as well. */
async function assertNoLookAlike(file: ManifestFile, path: string, bytes: number): Promise<void> {
  if (file.kind !== 'archive' || isPlausibleSize(file, bytes)) return;
  const alike = await lookAlikeAt(path, file.name);
  if (alike === undefined) return;
  throw new CcxriError('size-mismatch', `${file.name}: ${toPrintable(path)} is another: ${alike}`, {
    file: file.name,
    path,
    expected: lengthsText(file),
    found: `${formatCount(bytes)} bytes`,
    next: [{ kind: 'option', option: 'source' }],
  });
}

async function sizeOf(path: string, file: string): Promise<number> {
  try {
    const stats = await stat(path);
    if (stats.isFile()) return stats.size;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw unreadable(error, path, file);
  }
  throw new CcxriError('file-not-at-source', `${file}: there is no file ${toPrintable(path)}`, {
    file,
    path,
  });
}

/** A failure to read is the source's error, not one of the dataset's disk. */
async function* read(path: string, file: string): AsyncGenerator<Buffer> {
  const stream: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: 1024 * 1024 });
  try {
    yield* stream;
  } catch (error) {
    throw unreadable(error, path, file);
  }
}

function unreadable(error: unknown, path: string, file: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  return new CcxriError('source-unusable', `${file}: can't read ${toPrintable(path)} (${errno})`, {
    file,
    path,
    next: [
      {
        kind: 'advice',
        text: 'make it readable for you',
        or: { kind: 'option', option: 'source' },
      },
    ],
    cause: error,
  });
}
