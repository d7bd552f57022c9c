import { type ArchiveOptions, type ZipDirectory, withDirectory } from '../../src/zip/directory.ts';
import type { RandomReader } from '../../src/zip/reader.ts';

/** An archive's directory, read and judged on the one way that all work on archives goes. */
export function readDirectory(
  reader: RandomReader,
  options: ArchiveOptions,
): Promise<ZipDirectory> {
  return withDirectory(reader, options, (directory) => Promise.resolve(directory));
}
