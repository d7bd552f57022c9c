import { join } from 'node:path';
import { readSmallJson } from '../fs/small-json.ts';
import { walkFolder } from '../fs/paths.ts';
import { DESCRIPTION_FILES } from '../description/write-description.ts';
import { CHECKSUMS, SIDECAR } from './sidecar.ts';
import { IMAGE_FORMATS } from './types.ts';

/**
 * What export.json says, of an export that ccxri has written; undefined: there is none.
 * @throws CcxriError of the disk
 */
export async function readSidecar(directory: string): Promise<object | undefined> {
  const value = await readSmallJson(join(directory, SIDECAR), { maxBytes: 1e9, doing: 'read' });
  const isSidecar = typeof value === 'object' && value !== null && 'exportVersion' in value;
  return isSidecar ? value : undefined;
}

/**
 * Files in an export that no export has written, so that to remove them would lose them: all but those that
 * its export.json names, and images in folders.
 * @param most how many are looked for
 * @throws CcxriError of the disk
 */
export async function foreignFiles(
  directory: string,
  sidecar: object,
  most: number,
): Promise<readonly string[]> {
  const own = new Set([SIDECAR, CHECKSUMS, ...DESCRIPTION_FILES, ...filesOf(sidecar)]);
  const found: string[] = [];
  for await (const { path, entry } of walkFolder(directory)) {
    if (entry.isDirectory() || own.has(path) || isImage(path)) continue;
    found.push(path);
    if (found.length === most) break;
  }
  return found;
}

function filesOf(sidecar: object): readonly string[] {
  const files: readonly unknown[] =
    'files' in sidecar && Array.isArray(sidecar.files) ? sidecar.files : [];
  return files.flatMap((file) => {
    const isFile = typeof file === 'object' && file !== null && 'path' in file;
    return isFile && typeof file.path === 'string' ? [file.path] : [];
  });
}

/** `images/ChestDx-1/patient1_000.jpg`: in an archive's folder. */
function isImage(path: string): boolean {
  const ending = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  const isPicture = ending === 'jpeg' || IMAGE_FORMATS.some((each) => each === ending);
  return isPicture && path.split('/').length >= 3;
}
