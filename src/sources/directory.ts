import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { CcxriError, errnoOf } from '../errors.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import type { Location, OpenedSource } from './source.ts';

/** A flat directory of files, or another dataset directory. */
const FOLDERS = ['', 'archives', 'labels'];

/** A local directory: files lie in it, or in its archives/ and labels/, by their exact names. */
export class DirectorySource implements OpenedSource {
  readonly kind = 'directory';
  readonly name: string;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.name = toPrintable(path);
  }

  async locate(file: ManifestFile, signal?: AbortSignal): Promise<Location | undefined> {
    for (const folder of FOLDERS) {
      throwIfAborted(signal);
      const path = join(this.#path, folder, file.name);
      if (await isReadableFile(path)) return { kind: 'path', path };
    }
    return undefined;
  }
}

/** One file of the manifest, by its path, which ends in the file's name. */
export function openLocalFile(path: string, { name }: ManifestFile): OpenedSource {
  return {
    kind: 'file',
    name: toPrintable(path),
    locate: async (file) =>
      file.name === name && (await isReadableFile(path)) ? { kind: 'path', path } : undefined,
  };
}

/** @throws CcxriError `source-unusable` of a file that is there and may not be read */
async function isReadableFile(path: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false;
    await access(path, constants.R_OK);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (ABSENT.has(errno)) return false;
    throw new CcxriError('source-unusable', `could not read ${toPrintable(path)} (${errno})`, {
      path,
      next: [
        {
          kind: 'advice',
          text: 'make it readable for you',
          or: { kind: 'option', option: 'source' },
        },
      ],
      cause: error,
    });
  }
}

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);
