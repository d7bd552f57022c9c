import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Paths of the files below a directory that this process has open, threads included. At one moment: it does not turn
 * to other work. On Linux.
 */
export function openFilesBelow(directory: string): readonly string[] {
  const paths = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(join('/proc/self/fd', fd));
    } catch {
      // The directory's own descriptor.
      return '';
    }
  });
  return paths.filter((path) => path.startsWith(directory));
}
