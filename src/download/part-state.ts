import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readFile, unlink, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { whenFilesAreFree } from '../concurrency.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { identitySchema } from '../fs/lock-file.ts';
import { directoryVanished, removeIfThere } from '../fs/paths.ts';
import { rename } from '../fs/rename.ts';
import { type Spans, addSpan, bytesOf, prefixOf } from './spans.ts';

/** What can be sent as a header (RFC 9110, 5.5): a damaged one would fail every later run. */
const HEADER_VALUE = /^[\x20-\x7e\x80-\xff]+$/;

const common = {
  /** Manifest name and published MD5: another release's part is of no use. */
  name: z.string(),
  md5: z.string(),
  /** The process that writes it; null: none, it was left in good order. */
  owner: identitySchema.nullable(),
  /** Where the bytes come from, with query: never printed. */
  url: z.string(),
  /** Strong validator of the bytes, for If-Range; null: the server has none. */
  validator: z.string().regex(HEADER_VALUE).nullable(),
  totalBytes: z.int().nonnegative().nullable(),
  /** Length of the prefix that is flushed to the disk. */
  durableBytes: z.int().nonnegative(),
};

/** What is known of a partial download. Written after the data that it lists is on the disk. */
const partStateSchema = z
  .strictObject({
    partVersion: z.literal(2),
    ...common,
    /** Flushed as well, behind gaps: from the first number to before the second, ascending. */
    islands: z.array(z.tuple([z.int().positive(), z.int().positive()]).readonly()).readonly(),
  })
  .refine(({ durableBytes, islands, totalBytes }) => {
    const edges = [durableBytes, ...islands.flat()];
    const isAscending = edges.every((edge, n) => n === 0 || edge > (edges[n - 1] ?? 0));
    return isAscending && (islands.at(-1)?.[1] ?? 0) <= (totalBytes ?? Infinity);
  });

/** As ccxri 0.1 wrote it, from front to back over one connection. */
const firstStateSchema = z.strictObject({ partVersion: z.literal(1), ...common });

export type PartState = Readonly<z.infer<typeof partStateSchema>>;

/**
 * `newer`: written by a later ccxri, not to be touched; undefined: empty, half-written, or invalid.
 */
export function parsePartState(text: string): PartState | 'newer' | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (newerSchema.safeParse(json).success) return 'newer';
  const first = firstStateSchema.safeParse(json);
  return partStateSchema.safeParse(
    first.success ? { ...first.data, partVersion: 2, islands: [] } : json,
  ).data;
}

const newerSchema = z.object({ partVersion: z.int().min(3) });

/** What a state lists as flushed. */
export function durableSpansOf({ durableBytes, islands }: PartState): Spans {
  return durableBytes === 0 ? islands : addSpan(islands, [0, durableBytes]);
}

/** How long the part must be at least. */
export function leastLengthOf(state: PartState): number {
  return durableSpansOf(state).at(-1)?.[1] ?? 0;
}

/** The same in the form of a state. */
export function toDurable(spans: Spans): Pick<PartState, 'durableBytes' | 'islands'> {
  return { durableBytes: prefixOf(spans), islands: spans.filter(([from]) => from > 0) };
}

/** Where the bytes of a part come from: what a later range must match. */
export type PartOrigin = Pick<PartState, 'url' | 'validator' | 'totalBytes'>;

export const NO_ORIGIN: PartOrigin = { url: '', validator: null, totalBytes: null };

/** Whether the rest can be requested, or the bytes are the whole file. */
export function isUsable({ url, totalBytes }: PartOrigin, spans: Spans): boolean {
  const isWeb = /^https?:/i.test(url);
  return spans.length > 0 && (isWeb || totalBytes === prefixOf(spans));
}

/** Bytes that need not be downloaded again. */
export function usableBytesOf(state: PartState): number {
  const spans = durableSpansOf(state);
  return isUsable(state, spans) ? bytesOf(spans) : 0;
}

/** Longer than any valid state, also of an archive of which every member is an island. */
const MAX_STATE_BYTES = 4 * 1024 * 1024;

/** `ChestDx-1.zip.<token>.json` beside `ChestDx-1.zip.<token>.part` */
export function statePathOf(partPath: string): string {
  return partPath.replace(/\.part$/, '.json');
}

/** undefined: there is none, or it is damaged. That costs the part, never a wrong file. */
export async function readPartState(partPath: string): Promise<PartState | 'newer' | undefined> {
  return await readState(statePathOf(partPath));
}

/** A state that was written but not renamed over the old one: its writer was killed. */
export async function readStrayState(partPath: string): Promise<PartState | 'newer' | undefined> {
  return await readState(`${statePathOf(partPath)}.tmp`);
}

async function readState(path: string): Promise<PartState | 'newer' | undefined> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile() || stats.size > MAX_STATE_BYTES) return undefined;
    return parsePartState(await whenFilesAreFree(() => readFile(path, 'utf8')));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw toDiskError(error, 'read', { path });
  }
}

/**
 * Renamed over the old state, but not flushed. A state damaged by a power cut costs the part, never a
 * wrong file; a flush for each state would cost more than it saves.
 * @throws CcxriError of the disk; the old state is as it was then
 */
export async function writePartState(partPath: string, state: PartState): Promise<void> {
  const path = statePathOf(partPath);
  const temporary = `${path}.tmp`;
  try {
    await whenFilesAreFree(() => writeFile(temporary, JSON.stringify(state)));
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    if (errnoOf(error) === 'ENOENT') throw directoryVanished(path, error);
    throw toDiskError(error, 'write', { path });
  }
}

/** The result of work on a file. @throws CcxriError of the disk */
export async function onDisk<T>(doing: string, path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toDiskError(error, doing, { path });
  }
}

/** @throws CcxriError of the disk */
export async function openPart(path: string, flags: number): Promise<FileHandle> {
  try {
    // Never through a link: the part must be a file of this directory.
    const opening = constants.O_RDWR | constants.O_NOFOLLOW | flags;
    return await whenFilesAreFree(() => open(path, opening, 0o644));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw directoryVanished(path, error);
    throw toDiskError(error, 'open', { path });
  }
}

/** A part and its state. @throws CcxriError of the disk */
export async function removePart(partPath: string): Promise<void> {
  await removeOwnFile(partPath);
  await removeOwnFile(statePathOf(partPath));
}

/** Something that is no file is not ours, and stays. @throws CcxriError of the disk */
export async function removeOwnFile(path: string): Promise<void> {
  try {
    await removeIfThere(path);
  } catch (error) {
    if (errnoOf(error) !== 'EISDIR') throw error;
  }
}

export function partDeleted(path: string, cause?: unknown): CcxriError {
  return new CcxriError(
    'part-deleted',
    'the partial download was deleted while it was being written',
    {
      path,
      next: [{ kind: 'advice', text: 'leave .ccxri/ alone while ccxri runs' }, { kind: 'again' }],
      cause,
    },
  );
}
