import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoOf } from '../errors.ts';

/** Bytes that may still be written below a path (which need not exist yet); null: not told. */
export async function freeBytesAt(path: string): Promise<number | null> {
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      const { bavail, bsize, blocks } = await statfs(at);
      // Some FUSE file systems answer with zeros: that is no full disk.
      return blocks === 0 ? null : bavail * bsize;
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '') || at === dirname(at)) return null;
    }
  }
}
