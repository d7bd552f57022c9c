import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CcxriError, errnoOf, isCcxriError } from '../errors.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { toPrintable, toPrintableUrl } from '../text.ts';
import { isTemplate, openFileUrl, openTemplate } from './base-url.ts';
import { DirectorySource, openLocalFile } from './directory.ts';
import { openSavedPage } from './page-saved.ts';
import type { SourceContext } from './source-options.ts';
import type { OpenedSource } from './source.ts';
import { unusable } from './hints.ts';
import { WebSource } from './web-source.ts';

/**
 * One place as it was typed: an http or https URL, a file:// URL, or a local path.
 * @throws CcxriError `source-unusable` where it is none of these, or nothing is there
 */
async function openSource(typed: string, context: SourceContext): Promise<OpenedSource> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(typed)?.[1]?.toLowerCase();
  // A path, also one of Windows: `D:\mirror` has no `://`.
  if (scheme === undefined) return openPath(typed, context);
  if (!['http', 'https', 'file'].includes(scheme)) {
    const what = `a ${toPrintable(scheme, 20)}:// address`;
    throw cannot(typed, `${what} can't be a source: http, https and file can`, context);
  }
  if (!URL.canParse(typed)) throw cannot(typed, 'it is no valid URL', context);
  return scheme === 'file' ? openPath(toPath(typed, context), context) : openWeb(typed, context);
}

function openWeb(typed: string, context: SourceContext): OpenedSource {
  if (isTemplate(typed)) return openTemplate(typed);
  const file = fileNamed(new URL(typed).pathname.split('/').at(-1), context);
  return file === undefined ? new WebSource(typed, context) : openFileUrl(typed, file);
}

async function openPath(path: string, context: SourceContext): Promise<OpenedSource> {
  const stats = await statOrThrow(path, context);
  if (stats.isDirectory()) return new DirectorySource(path);
  if (!stats.isFile()) throw cannot(path, 'it is neither a directory nor a file', context);
  const file = fileNamed(basename(path), context);
  return file === undefined ? openSavedPage(path, context) : openLocalFile(path, file);
}

function fileNamed(
  name: string | undefined,
  { manifest }: SourceContext,
): ManifestFile | undefined {
  return manifest.files.find((file) => file.name === name);
}

function toPath(url: string, context: SourceContext): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    throw cannot(url, 'it names no file of this machine (file:///path does)', context);
  }
}

async function statOrThrow(path: string, context: SourceContext) {
  try {
    return await stat(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (errno !== 'ENOENT' && errno !== 'ENOTDIR')
      throw cannot(path, `it can't be looked at (${errno})`, context);
    throw cannot(path, `there is no such directory or file${guess(path)}`, context);
  }
}

/** What was meant by a path that is none. */
function guess(path: string): string {
  if (path.startsWith('~')) return ' (a ~ in quotes or in a variable is not your home directory)';
  const looksLikeHost = /^(?:localhost|[\w-]+(?:\.[\w-]+)+)(?::\d+|\/)/i.test(path);
  return looksLikeHost ? ' (a URL begins with https:// or http://)' : '';
}

function cannot(typed: string, why: string, { manifest }: SourceContext): CcxriError {
  const name = printableSource(typed);
  return unusable(`can't use the source ${name}: ${why}`, manifest.homepage, { source: name });
}

function printableSource(typed: string): string {
  return typed.includes('://') ? toPrintableUrl(typed) : toPrintable(typed);
}

/** A source that can't be used, among others that may do: it fails for each file. */
export async function openOrFail(
  typed: string,
  context: SourceContext,
): Promise<OpenedSource & { readonly broken?: CcxriError }> {
  try {
    return await openSource(typed, context);
  } catch (error) {
    if (!isCcxriError(error, 'source-unusable')) throw error;
    const kind = /\.x?html?$/i.test(typed) ? 'page' : 'directory';
    return {
      kind,
      name: printableSource(typed),
      locate: () => Promise.reject(error),
      broken: error,
    };
  }
}
