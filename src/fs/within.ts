import nodePath, { type PlatformPath } from 'node:path';

/**
 * Whether a path leads below a directory, by the paths alone: not the directory itself, not `/database` for
 * `/data`, and on Windows nothing of another drive or share, in whatever case they are written.
 * @param flavour whose rules; default: this system's
 */
export function isBelow(
  directory: string,
  path: string,
  flavour: PlatformPath = nodePath,
): boolean {
  const way = flavour.relative(directory, path);
  // A name may begin with two dots.
  return way !== '' && !flavour.isAbsolute(way) && way.split(flavour.sep)[0] !== '..';
}
