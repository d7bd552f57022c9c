/** Finder's copies of names with its own attributes in them, beside the folder that was packed. */
const FINDER_FOLDER = '__MACOSX/';

/**
 * The one folder that everything lies in, as `ChestDx-22`; null: there is no such folder. Whether an
 * archive has it or not, its images come to lie in images/<archive>/.
 * @param paths of files, with `/`
 */
export function topFolderOf(paths: readonly string[]): string | null {
  const own = paths.filter((path) => !path.startsWith(FINDER_FOLDER));
  const first = own[0] ?? '';
  const end = first.indexOf('/');
  if (end < 0) return null;
  const prefix = first.slice(0, end + 1);
  // A folder of Finder's name inside would come to lie on top of the one beside it.
  const isTop = own.every((path) => path.startsWith(prefix) && !startsWithFinder(path, prefix));
  return isTop ? first.slice(0, end) : null;
}

function startsWithFinder(path: string, prefix: string): boolean {
  return `${path.slice(prefix.length)}/`.startsWith(FINDER_FOLDER);
}

export function withoutTopFolder(path: string, topFolder: string | null): string {
  const prefix = `${topFolder ?? ''}/`;
  return topFolder !== null && path.startsWith(prefix) ? path.slice(prefix.length) : path;
}
