import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { toDiskError } from '../errors.ts';
import { closeHandle, openForReading, statOrNull } from './paths.ts';

const READ_BYTES = 1024 * 1024;

/** What a file should be. */
export interface ContentRecord {
  readonly bytes: number;
  readonly crc32: number;
}

export type Comparison = 'same' | 'different' | 'absent';

/**
 * Reads a file and compares it with what should be there; one of another length is not read.
 * @param onPiece gets the bytes of each read, which change with the next one
 * @throws CcxriError of the disk
 */
export async function compareContent(
  path: string,
  { bytes, crc32: expected }: ContentRecord,
  onPiece: (piece: Uint8Array) => void = () => undefined,
): Promise<Comparison> {
  const handle = await openForReading(path);
  if (handle === null) return 'absent';
  try {
    const stats = await handle.stat();
    if (!stats.isFile() || stats.size !== bytes) return 'different';
    return (await crcOf(handle, bytes, onPiece)) === expected ? 'same' : 'different';
  } catch (error) {
    throw toDiskError(error, 'read', { path });
  } finally {
    await closeHandle(handle, path);
  }
}

/** Compares the length alone, and reads nothing. @throws CcxriError of the disk */
export async function compareLength(path: string, expected: ContentRecord): Promise<Comparison> {
  const stats = await statOrNull(path);
  if (stats === null) return 'absent';
  return stats.isFile() && stats.size === expected.bytes ? 'same' : 'different';
}

/** undefined: the file ends before that. */
async function crcOf(
  handle: FileHandle,
  bytes: number,
  onPiece: (piece: Uint8Array) => void,
): Promise<number | undefined> {
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, bytes));
  let crc = 0;
  for (let done = 0; done < bytes;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, done);
    if (bytesRead === 0) return undefined;
    const piece = buffer.subarray(0, bytesRead);
    crc = crc32(piece, crc);
    done += bytesRead;
    onPiece(piece);
  }
  return crc;
}
