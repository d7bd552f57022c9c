import { writeSync } from 'node:fs';

/**
 * Linux takes a write into pages of the largest power of two that it fills: with just under 128 KiB
 * these are of 64 KiB and less, which cost it much less than larger ones (docs/performance.md).
 */
const PIECE_BYTES = 124 * 1024;

/** What of a FileHandle writes, here so that a test can write less than it is asked to. */
interface PlacedWriter {
  write(
    piece: Uint8Array,
    from: number,
    bytes: number,
    at: number,
  ): Promise<{ readonly bytesWritten: number }>;
}

/**
 * Chunks one behind the other. A full disk shows first as a short write without an error, and only
 * then as one.
 * @throws the raw error of the disk
 */
export async function writePieces(
  handle: PlacedWriter,
  chunks: readonly Uint8Array[],
  at: number,
): Promise<void> {
  for (const { piece, place } of piecesOf(chunks, at)) {
    for (let done = 0; done < piece.length;) {
      const left = piece.length - done;
      const { bytesWritten } = await handle.write(piece, done, left, place + done);
      done += bytesWritten;
    }
  }
}

type WriteNow = (
  ...where: [fd: number, piece: Uint8Array, from: number, bytes: number, at: number]
) => number;

/** The same, for a thread that is there for nothing else. @throws the raw error of the disk */
export function writePiecesSync(
  fd: number,
  chunks: readonly Uint8Array[],
  at: number,
  write: WriteNow = writeSync,
): void {
  for (const { piece, place } of piecesOf(chunks, at)) {
    for (let done = 0; done < piece.length;) {
      done += write(fd, piece, done, piece.length - done, place + done);
    }
  }
}

function* piecesOf(
  chunks: readonly Uint8Array[],
  at: number,
): Generator<{ readonly piece: Uint8Array; readonly place: number }> {
  let place = at;
  for (const chunk of chunks) {
    for (let from = 0; from < chunk.length; from += PIECE_BYTES) {
      const piece = chunk.subarray(from, from + PIECE_BYTES);
      yield { piece, place };
      place += piece.length;
    }
  }
}
