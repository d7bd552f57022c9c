import type { RandomReader } from '../../src/zip/reader.ts';

/** What was read of a buffer, from where and how much. */
export interface ReadNote {
  readonly position: number;
  readonly length: number;
}

/** An archive in memory, that counts how it is read. */
export function bufferReader(bytes: Buffer, reads: ReadNote[] = []): RandomReader {
  return {
    sizeBytes: bytes.length,
    read: async (into, position) => {
      reads.push({ position, length: into.length });
      if (position + into.length > bytes.length) throw new Error('read beyond the end');
      await Promise.resolve();
      bytes.copy(into, 0, position);
    },
    assertUnchanged: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
