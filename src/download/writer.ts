/** Writes all of the bytes at this position of the file. */
export type WriteFully = (
  file: PositionedWriter,
  bytes: Uint8Array,
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
export const writeFully: WriteFully = async (file, bytes, position) => {
  for (let done = 0; done < bytes.length;) {
    const length = Math.min(WRITE_BYTES, bytes.length - done);
    done += (await file.write(bytes, done, length, position + done)).bytesWritten;
  }
};
