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
 * Loops on short writes: a full disk reports the first one without an error.
 * @throws the raw error of the disk
 */
export const writeFully: WriteFully = async (file, bytes, position) => {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
};
