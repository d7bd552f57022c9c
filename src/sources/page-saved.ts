import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { isCcxriError, type CcxriError } from '../errors.ts';
import { decodeHtml } from '../http/decode-html.ts';
import { count, toPrintable, toPrintableUrl } from '../text.ts';
import { explainEmpty, locateOnPage } from './page-found.ts';
import { looksLikeHtml } from './page-html.ts';
import { readPage, type PageReading } from './page-read.ts';
import type { SourceContext } from './source-options.ts';
import type { OpenedSource } from './source.ts';
import { unusable } from './hints.ts';

/** As of pages from the web. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

/**
 * A page that was saved from a browser. It is read at once: a wrong file is told before anything
 * is downloaded.
 * @throws CcxriError `source-unusable`, saying what the file is instead
 */
export async function openSavedPage(path: string, context: SourceContext): Promise<OpenedSource> {
  const { manifest } = context;
  const name = toPrintable(path);
  const html = await readHtml(path, context);
  const reading = await read(html, path, context);
  if (reading.urls.size + reading.ambiguous.size === 0) {
    throw explainEmpty(reading, manifest, { source: name });
  }
  if (reading.isBaseGuessed) tellGuess(reading, name, context);
  const place = { source: name, homepage: manifest.homepage };
  return {
    kind: 'page',
    name,
    // In a promise, so that what it throws rejects.
    locate: (file) => Promise.resolve().then(() => locateOnPage(reading, file, place)),
  };
}

async function read(html: string, path: string, context: SourceContext): Promise<PageReading> {
  const { manifest } = context;
  const { homepage } = manifest;
  try {
    return await readPage(html, manifest, { kind: 'saved', fileName: basename(path), homepage });
  } catch (error) {
    throw isCcxriError(error) ? notAPage(path, error.message, context) : error;
  }
}

function tellGuess({ base }: PageReading, name: string, { onEvent }: SourceContext): void {
  onEvent({
    event: 'warning',
    code: 'source',
    message: `${name} does not say where it was saved from: its links are taken to be relative to ${toPrintableUrl(base)}`,
  });
}

async function readHtml(path: string, context: SourceContext): Promise<string> {
  const { size } = await stat(path);
  if (size > MAX_PAGE_BYTES) throw notAPage(path, `it has ${count(size, 'byte')}`, context);
  const bytes = await readFile(path);
  const html = decodeHtml(bytes);
  if (/^(?:From: <Saved by |MIME-Version:)/im.test(html.slice(0, 1000))) {
    const why = 'it is a page saved as a single file (MHTML), which ccxri does not read';
    throw notAPage(path, why, context, 'save it as "HTML only" or "complete" instead');
  }
  if (/\.x?html?$/i.test(path) || looksLikeHtml(html)) return html;
  const why = bytes.length === 0 ? 'it is empty' : 'it does not read as HTML';
  throw notAPage(path, why, context);
}

function notAPage(
  path: string,
  why: string,
  { manifest }: SourceContext,
  hint?: string,
): CcxriError {
  return unusable(`${toPrintable(path)} is no saved page: ${why}`, manifest.homepage, {
    path,
    ...(hint === undefined ? {} : { hint }),
  });
}
