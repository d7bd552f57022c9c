import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf, isCcxriError, type NextStep } from '../errors.ts';
import { decodeHtml } from '../http/page.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { count, toPrintable, toPrintableUrl } from '../text.ts';
import { hasPageName } from './address.ts';
import { isMhtml, readMhtml } from './mhtml.ts';
import { pathInSave, type PageOrigin } from './page-address.ts';
import {
  type PageReading,
  explainEmpty,
  explainOtherRelease,
  hasFiles,
  locateOnPage,
  looksLikeData,
  looksLikeHtml,
  mergeReadings,
  readPage,
} from './page-read.ts';
import { type Source, type SourceContext, sourceUnusable } from './source.ts';

/** The limit of pages from the web, too; with its images in it, a page is larger. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;
const MAX_MHTML_BYTES = 128 * 1024 * 1024;
/** Frames beside a page that are read. */
const MAX_FRAMES = 20;

/**
 * A page that was saved by a browser: as HTML, with the folder beside it, or as one file (MHTML). It is
 * read at once: a wrong file is reported before anything is downloaded.
 * @throws CcxriError `source-unusable`, saying what the file is instead; `no-link`;
 *   `other-release`
 */
export async function openSavedPage(path: string, context: SourceContext): Promise<Source> {
  const { manifest, onEvent } = context;
  const { homepage } = manifest;
  const name = toPrintable(path);
  const reading = await readSavedPage(path, context);
  const otherRelease = explainOtherRelease(reading, manifest, name);
  if (otherRelease !== undefined) throw otherRelease;
  if (!hasFiles(reading) && reading.guesses.size === 0) {
    throw explainEmpty(reading, manifest, { source: name });
  }
  if (reading.isBaseGuessed) {
    const base = toPrintableUrl(reading.base);
    const message = `${name} does not say where it was saved from: its links are taken to be relative to ${base}`;
    const next: readonly NextStep[] = [
      { kind: 'option', option: 'page-url', value: 'URL', purpose: 'if it was elsewhere' },
    ];
    onEvent({ event: 'warning', code: 'source', message, next });
  }
  const place = { source: name, homepage };
  return {
    kind: 'page',
    name,
    // In a promise, so that what it throws rejects.
    locate: (file) => Promise.resolve().then(() => locateOnPage(reading, file, place)),
  };
}

async function readSavedPage(
  path: string,
  { manifest, pageUrl }: SourceContext,
): Promise<PageReading> {
  const { homepage } = manifest;
  const notAPage = (why: string, next: readonly NextStep[] = []) =>
    sourceUnusable(`${toPrintable(path)} is no saved page: ${why}`, homepage, { path, next });
  const { size } = await stat(path);
  if (size > MAX_MHTML_BYTES) throw notAPage(`it has ${count(size, 'byte')}`);
  const bytes = await readFile(path);
  if (bytes.subarray(0, 8).toString('latin1') === 'bplist00') {
    const why = 'it is a web archive of Safari, which ccxri does not read';
    throw notAPage(why, [{ kind: 'advice', text: 'save it as "Page Source" instead' }]);
  }
  const origin: PageOrigin = { kind: 'saved', fileName: basename(path), homepage, pageUrl };
  const orNoPage = async <T>(reading: Promise<T>): Promise<T> => {
    try {
      return await reading;
    } catch (error) {
      throw isCcxriError(error) ? notAPage(error.message) : error;
    }
  };
  if (isMhtml(bytes)) {
    const reading = await orNoPage(readOneFile(bytes, manifest, origin));
    if (reading === undefined) throw notAPage('it is MHTML without a part of HTML');
    return reading;
  }
  if (size > MAX_PAGE_BYTES) throw notAPage(`it has ${count(size, 'byte')}`);
  const html = decodeHtml(bytes);
  if (!hasPageName(path) && !looksLikeHtml(html) && !looksLikeData(html)) {
    throw notAPage(size === 0 ? 'it is empty' : 'it does not read as HTML');
  }
  const reading = await orNoPage(readPage(html, manifest, origin));
  if (hasFiles(reading)) return reading;
  return await orNoPage(withFrames(reading, { path, manifest, origin }));
}

/** A page and its frames in one file; undefined: there is no page in it. */
async function readOneFile(
  bytes: Buffer,
  manifest: Manifest,
  origin: PageOrigin & { readonly kind: 'saved' },
): Promise<PageReading | undefined> {
  const readings: PageReading[] = [];
  for (const { html, location } of readMhtml(bytes).slice(0, MAX_FRAMES)) {
    readings.push(await readPage(html, manifest, { ...origin, location }));
  }
  const [page, ...frames] = readings;
  return page && mergeReadings(page, frames);
}

/** The frames of a page saved "complete" are files in the folder beside it. */
async function withFrames(
  page: PageReading,
  { path, manifest, origin }: { path: string; manifest: Manifest; origin: PageOrigin },
): Promise<PageReading> {
  const readings: PageReading[] = [];
  for (const { written } of page.frames.slice(0, MAX_FRAMES)) {
    const below = pathInSave(written, basename(path));
    const bytes = below === undefined ? undefined : await readFrame(join(dirname(path), below));
    if (bytes !== undefined) readings.push(await readPage(decodeHtml(bytes), manifest, origin));
  }
  return mergeReadings(page, readings);
}

/** undefined: there is none, or it can't be one. */
async function readFrame(path: string): Promise<Buffer | undefined> {
  try {
    const stats = await stat(path);
    return stats.isFile() && stats.size <= MAX_PAGE_BYTES ? await readFile(path) : undefined;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
