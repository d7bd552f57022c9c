import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { errnoOf, toDiskError } from '../errors.ts';

const SPAN_BYTES = 1024 * 1024;

/** What a file should be. */
export interface ContentRecord {
  readonly bytes: number;
  readonly crc32: number;
}

export type Comparison = 'same' | 'different' | 'absent';

/**
 * Reads a file and compares it with what should be there; one of another length is not read.
 * @param onBytes hears how many bytes were read, span by span
 * @throws CcxriError of the disk
 */
export async function compareContent(
  path: string,
  expected: ContentRecord,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<Comparison> {
  let handle: FileHandle;
  try {
    // Without O_NONBLOCK the open of a named pipe waits for a writer, and nothing could end it.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return toAbsent(error, path);
  }
  try {
    return (await holdsContent(handle, expected, onBytes)) ? 'same' : 'different';
  } catch (error) {
    throw toDiskError(error, 'read', { path });
  } finally {
    await handle.close();
  }
}

/** Whether an open file is what it should be, read back as it lies there. */
export async function holdsContent(
  handle: FileHandle,
  { bytes, crc32: expected }: ContentRecord,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<boolean> {
  const stats = await handle.stat();
  if (!stats.isFile() || stats.size !== bytes) return false;
  return (await crcOf(handle, bytes, onBytes)) === expected;
}

/** Looks at the length alone, and reads nothing. @throws CcxriError of the disk */
export async function compareLength(path: string, expected: ContentRecord): Promise<Comparison> {
  try {
    const stats = await stat(path);
    return stats.isFile() && stats.size === expected.bytes ? 'same' : 'different';
  } catch (error) {
    return toAbsent(error, path);
  }
}

function toAbsent(error: unknown, path: string): 'absent' {
  if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return 'absent';
  throw toDiskError(error, 'read', { path });
}

/** undefined: the file ends before that. */
async function crcOf(
  handle: FileHandle,
  bytes: number,
  onBytes: (bytes: number) => void,
): Promise<number | undefined> {
  const span = Buffer.allocUnsafe(Math.min(SPAN_BYTES, bytes));
  let crc = 0;
  for (let done = 0; done < bytes;) {
    const { bytesRead } = await handle.read(span, 0, span.length, done);
    if (bytesRead === 0) return undefined;
    crc = crc32(span.subarray(0, bytesRead), crc);
    done += bytesRead;
    onBytes(bytesRead);
  }
  return crc;
}
