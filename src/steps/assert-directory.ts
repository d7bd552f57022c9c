import { pathKind } from '../disk/output-file.ts';
import { CcxriError } from '../errors.ts';

/** @throws CcxriError `missing`: there is no such dataset directory; of the disk */
export async function assertDirectory(dest: string): Promise<void> {
  if ((await pathKind(dest)) === 'directory') return;
  throw new CcxriError('missing', `there is no dataset directory ${dest}`, {
    path: dest,
    hint: 'name an existing one with --dest DIR, or make it: `ccxri fetch --subset NAME --dest DIR`',
  });
}
