/** Writes chunks one after the other, the first at this position of the file. */
export type WriteChunks = (
  file: PositionedWriter,
  chunks: readonly Uint8Array[],
  position: number,
) => Promise<void>;

/** The part of a FileHandle that writes. */
interface PositionedWriter {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }>;
}

/**
 * Linux takes a write into pages of the largest power of two that it fills. Just under 128 KiB means
 * pages of 64 KiB and less, which cost it much less than larger ones (docs/performance.md).
 */
const WRITE_BYTES = 124 * 1024;

/**
 * Loops on short writes: a full disk reports the first one without an error.
 * @throws the raw error of the disk
 */
export const writeChunks: WriteChunks = async (file, chunks, position) => {
  let at = position;
  for (const chunk of chunks) {
    for (let done = 0; done < chunk.length;) {
      const length = Math.min(WRITE_BYTES, chunk.length - done);
      const { bytesWritten } = await file.write(chunk, done, length, at);
      done += bytesWritten;
      at += bytesWritten;
    }
  }
};
