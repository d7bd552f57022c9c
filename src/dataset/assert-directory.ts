import { pathKind } from '../fs/output-file.ts';
import { CcxriError } from '../errors.ts';

/** @throws CcxriError `missing`: there is no such dataset directory; of the disk */
export async function assertDirectory(dest: string): Promise<void> {
  const kind = await pathKind(dest);
  if (kind === 'directory') return;
  const what =
    kind === 'nothing'
      ? `there is no dataset directory ${dest}`
      : `${dest} is a file, not a directory`;
  throw new CcxriError('missing', what, {
    path: dest,
    hint: 'name an existing one with --dest DIR, or make it: `ccxri fetch --subset NAME --dest DIR`',
  });
}
