import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { CcxriError, errnoOf } from '../errors.ts';
import { toPrintable } from '../text.ts';
import { assertNotShort, receiveWhole, type Reception } from './receive.ts';

/**
 * A file of a local directory: copied, never linked, so that it lies here by itself.
 * @throws CcxriError `file-not-at-source`, `source-unusable`: it can't be read; as `receiveWhole`
 */
export async function receivePath(reception: Reception, path: string): Promise<void> {
  const { file } = reception;
  const where = toPrintable(path);
  const totalBytes = await sizeOf(path, file.name);
  await receiveWhole(reception, {
    claim: { where, isLocal: true, totalBytes, contentType: undefined },
    origin: { url: pathToFileURL(path).href, validator: null, totalBytes },
    batches: read(path, file.name),
  });
  assertNotShort(reception, where);
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

/** A failure to read is the source's, not that of the dataset's disk. */
async function* read(path: string, file: string): AsyncGenerator<readonly Buffer[]> {
  const stream: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: 1024 * 1024 });
  const iterator = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        throw unreadable(error, path, file);
      });
      if (next.done === true) return;
      yield [next.value];
    }
  } finally {
    await iterator.return?.();
  }
}

function unreadable(error: unknown, path: string, file: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  return new CcxriError('source-unusable', `${file}: can't read ${toPrintable(path)} (${errno})`, {
    file,
    path,
    hint: 'make it readable for you, or give another --source',
    cause: error,
  });
}
