import { open } from 'node:fs/promises';
import { CcxriError, isCcxriError, toDiskError } from '../errors.ts';
import { toStrongValidator } from '../http/range.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import type { Location } from '../sources/source.ts';
import { toPrintable } from '../text.ts';
import {
  type FileStart,
  judgeRanges,
  judgeStart,
  judgeValidator,
  toFileStart,
  totalOf,
} from './judge-file.ts';
import { judgeClock } from './judge-host.ts';
import type { SourceWork } from './source-work.ts';
import {
  type Asking,
  type Sample,
  type Start,
  isSlice,
  requestSlice,
  requestStart,
} from './request.ts';
import { SPEED_SLICE_BYTES, judgeSpeeds, measureSpeeds } from './speed.ts';

/** Of an archive; the second range is its upper half. */
const START_BYTES = 16 * 1024;
/** The header of a label file, and what a web page would begin with. */
const LABEL_BYTES = 1024;

/** A file, and where a source has it. */
export interface Located {
  readonly file: ManifestFile;
  readonly location: Location;
}

/** A file on a server that speeds can be measured with. */
export interface Large {
  readonly work: SourceWork;
  readonly url: string;
  readonly totalBytes: number;
}

/**
 * First bytes, ranges, validators and the server's clock, by one archive.
 * @returns it, where speeds can be measured with it
 */
export async function examineArchive(
  found: Located | undefined,
  work: SourceWork,
): Promise<readonly Large[]> {
  if (found?.location.kind !== 'url') {
    await examineLocal(found, work);
    return [];
  }
  const { examination, subject, clock } = work;
  const { url } = found.location;
  const start = await examination.attempt(subject, 'archive', (signal) =>
    requestStart(toAsking(work, signal), url, START_BYTES),
  );
  if (start === undefined) return [];
  const clocks = { date: start.header('date'), age: start.header('age') };
  const ofClock = judgeClock(clocks, clock.date().getTime());
  if (ofClock !== undefined) examination.add(subject, 'clock', ofClock);
  const opened = toFileStart(found.file, start);
  const judged = judgeStart(found.file, opened);
  const { seen } = judged;
  const host = hostOf(start.url);
  const way = host === hostOf(url) ? '' : `; redirected to ${host}`;
  examination.add(subject, 'archive', { ...judged, seen: `${seen}${way}` });
  if (judged.status === 'problem') return [];
  await examineRanges(url, { start, isEncoded: opened.isEncoded }, work);
  const totalBytes = isSlice(start) ? (totalOf(start) ?? 0) : 0;
  return totalBytes < SPEED_SLICE_BYTES ? [] : [{ work, url, totalBytes }];
}

function hostOf(url: string): string {
  return toPrintable(new URL(url).host);
}

async function examineRanges(
  url: string,
  { start, isEncoded }: { readonly start: Start; readonly isEncoded: boolean },
  work: SourceWork,
): Promise<void> {
  const { examination, subject } = work;
  const from = Math.floor(start.bytes.length / 2);
  const second = await examination.attempt(subject, 'ranges', (signal) =>
    requestSecond(toAsking(work, signal), url, start, from),
  );
  if (second === undefined) return;
  examination.add(subject, 'ranges', judgeRanges(start, second ?? undefined, { from, isEncoded }));
  if (!isSlice(start)) return;
  examination.add(subject, 'validator', judgeValidator(start, second ?? undefined));
}

/** Bytes that are here already, under the condition that it is the same file. null: no use. */
async function requestSecond(
  asking: Asking,
  url: string,
  start: Start,
  from: number,
): Promise<Sample | CcxriError | null> {
  const { header, bytes } = start;
  if (!isSlice(start) || bytes.length < 2) return null;
  const validator = toStrongValidator({
    etag: header('etag'),
    lastModified: header('last-modified'),
    date: header('date'),
  });
  const slice = { from, to: bytes.length, ifRange: validator ?? undefined };
  return requestSlice(asking, url, slice).catch((error: unknown) => {
    if (isCcxriError(error) && error.code !== 'aborted') return error;
    throw error;
  });
}

/** First bytes of a label file. */
export async function examineLabels(found: Located | undefined, work: SourceWork): Promise<void> {
  if (found?.location.kind !== 'url') return examineLocal(found, work);
  const { url } = found.location;
  const start = await work.examination.attempt(work.subject, 'labels', (signal) =>
    requestStart(toAsking(work, signal), url, LABEL_BYTES),
  );
  if (start === undefined) return;
  work.examination.add(
    work.subject,
    'labels',
    judgeStart(found.file, toFileStart(found.file, start)),
  );
}

/** First bytes of a file in a directory. */
async function examineLocal(found: Located | undefined, work: SourceWork): Promise<void> {
  if (found?.location.kind !== 'path') return;
  const { path } = found.location;
  const { file } = found;
  const check = file.kind;
  const start = await work.examination.attempt(work.subject, check, () => readStart(path));
  if (start !== undefined) work.examination.add(work.subject, check, judgeStart(file, start));
}

async function readStart(path: string): Promise<FileStart> {
  try {
    const handle = await open(path);
    try {
      const { size: totalBytes } = await handle.stat();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(LABEL_BYTES), 0, LABEL_BYTES, 0);
      const bytes = buffer.subarray(0, bytesRead);
      const where = toPrintable(path, 1000);
      return { where, isLocal: true, contentType: undefined, totalBytes, bytes, isEncoded: false };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw toDiskError(error, 'read', { path });
  }
}

/** The speed of one and of several connections, by a file that is large enough. */
export async function examineSpeed({ work, url, totalBytes }: Large): Promise<void> {
  const { examination, subject } = work;
  const speeds = await examination.attempt(subject, 'speed', (signal) =>
    measureSpeeds(toAsking(work, signal), url, totalBytes),
  );
  if (speeds !== undefined) examination.add(subject, 'speed', judgeSpeeds(speeds));
}

/** What requests need. */
export function toAsking({ client, clock, onWall }: SourceWork, signal: AbortSignal): Asking {
  return { client, clock, onWall, signal };
}
