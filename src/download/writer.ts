import type { FileHandle } from 'node:fs/promises';
import { writePieces } from './write-pieces.ts';
import type { WriteThread } from './write-thread.ts';

/**
 * Writes chunks one behind the other, the first of them at a place.
 * @throws an Error with the code of the disk's
 */
export type WriteChunks = (
  handle: FileHandle,
  chunks: readonly Uint8Array[],
  at: number,
) => Promise<void>;

/** With less, a message to another thread costs more than it saves. */
const MIN_BYTES = 128 * 1024;

/** By Node's own means. */
export const writeHere: WriteChunks = writePieces;

/** In a thread, as far as it can and is worth it: what comes in large pieces of shared memory. */
export function writeIn(thread: WriteThread): WriteChunks {
  return async (handle, chunks, at) => {
    if (isForThread(chunks) && (await thread.tryWrite(handle.fd, chunks, at))) return;
    await writeHere(handle, chunks, at);
  };
}

function isForThread(chunks: readonly Uint8Array[]): boolean {
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  return bytes >= MIN_BYTES && chunks.every(({ buffer }) => buffer instanceof SharedArrayBuffer);
}
