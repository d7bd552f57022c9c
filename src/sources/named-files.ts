import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { CcxriError, errnoOf } from '../errors.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { toPrintable, toPrintableUrl } from '../text.ts';
import { toFileUrl } from './address.ts';
import type { Location, Source } from './source.ts';

/** A flat directory of files, or another dataset directory. */
const FOLDERS = ['', 'archives', 'labels'];

/** A local directory: files are in it, or in its archives/ and labels/, under their exact names. */
export function openDirectory(path: string): Source {
  return {
    kind: 'directory',
    name: toPrintable(path),
    locate: async (file, signal) => {
      for (const folder of FOLDERS) {
        throwIfAborted(signal);
        const location = await locatePath(join(path, folder, file.name));
        if (location !== undefined) return location;
      }
      return undefined;
    },
  };
}

/** One file of the manifest, by a path that ends in the file's name. */
export function openLocalFile(path: string, { name }: ManifestFile): Source {
  return {
    kind: 'file',
    name: toPrintable(path),
    locate: async (file) => (file.name === name ? locatePath(path) : undefined),
  };
}

/** One file of the manifest, by a URL that ends in the file's name. */
export function openFileUrl(url: string, { name }: ManifestFile): Source {
  return {
    kind: 'file',
    name: toPrintableUrl(url),
    locate: (file) => locateUrl(file.name === name ? url : undefined),
  };
}

/** A URL with `{name}`: it does not have to be requested to know what it is. */
export function openTemplate(template: string): Source {
  return {
    kind: 'base-url',
    name: toPrintableUrl(template).replaceAll('%7Bname%7D', '{name}'),
    locate: ({ name }) => locateUrl(toFileUrl(template, name)),
  };
}

/** The addresses that the manifest itself has for files. */
export function openManifestUrls(): Source {
  return { kind: 'manifest', name: "the manifest's url", locate: ({ url }) => locateUrl(url) };
}

function locateUrl(url: string | undefined): Promise<Location | undefined> {
  return Promise.resolve(url === undefined ? undefined : { kind: 'url', url });
}

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);

/**
 * undefined: there is no such file.
 * @throws CcxriError `source-unusable` if it exists and can't be read
 */
async function locatePath(path: string): Promise<Location | undefined> {
  try {
    if (!(await stat(path)).isFile()) return undefined;
    await access(path, constants.R_OK);
    return { kind: 'path', path };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (ABSENT.has(errno)) return undefined;
    const elsewhere = { kind: 'option', option: 'source' } as const;
    throw new CcxriError('source-unusable', `could not read ${toPrintable(path)} (${errno})`, {
      path,
      next: [{ kind: 'advice', text: 'make it readable for you', or: elsewhere }],
      cause: error,
    });
  }
}
