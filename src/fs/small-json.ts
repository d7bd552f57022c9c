import { readFile, stat } from 'node:fs/promises';
import { whenFilesAreFree } from '../concurrency.ts';
import { toDiskError } from '../errors.ts';
import { isAbsent } from './paths.ts';

/**
 * Reads a file of ccxri's own state, of which it can do without: undefined where it is absent, no file,
 * no JSON, or longer than any that is whole.
 * @param doing for the error: `read the ledger`
 * @throws CcxriError of the disk
 */
export async function readSmallJson(
  path: string,
  { maxBytes, doing }: { readonly maxBytes: number; readonly doing: string },
): Promise<unknown> {
  try {
    const stats = await stat(path);
    if (!stats.isFile() || stats.size > maxBytes) return undefined;
    return JSON.parse(await whenFilesAreFree(() => readFile(path, 'utf8')));
  } catch (error) {
    if (error instanceof SyntaxError || isAbsent(error)) return undefined;
    throw toDiskError(error, doing, { path });
  }
}
