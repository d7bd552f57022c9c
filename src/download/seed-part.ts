import { constants } from 'node:fs';
import { type FileHandle, chmod, copyFile, lstat } from 'node:fs/promises';
import { syncFile } from '../fs/atomic.ts';
import { closeHandle } from '../fs/paths.ts';
import {
  NO_ORIGIN,
  type PartOrigin,
  type PartState,
  openPart,
  statePathOf,
  toDurable,
  writePartState,
} from './part-state.ts';
import { type Spans, addSpan } from './spans.ts';
import { writeFully } from './writer.ts';

/** Bytes at their position in the file. */
export interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** What of a file is on this disk already, in another form than a part. */
export interface Seed {
  /** Where the rest of it is. */
  readonly origin: PartOrigin & { readonly totalBytes: number };
  /** A file that has these spans of it, where they belong. */
  readonly base: { readonly path: string; readonly spans: Spans };
  /** Written over that. */
  readonly pieces: readonly Piece[];
}

/**
 * Makes a part of what is here. Its state lists nothing before all of it is on the disk, so that a kill
 * leaves no part that is taken for more than it is.
 * @throws the raw error of the disk; CcxriError of the disk
 */
export async function seedPart(
  path: string,
  identity: Pick<PartState, 'name' | 'md5' | 'owner'>,
  { origin, base, pieces }: Seed,
): Promise<void> {
  const empty: PartState = { partVersion: 2, ...identity, ...NO_ORIGIN, ...toDurable([]) };
  await writePartState(path, empty);
  // Where the file system can, the copy shares its blocks with the original.
  await copyFile(base.path, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  // A copy has the permissions of the original, which may be for reading only.
  await chmod(path, (await lstat(statePathOf(path))).mode & 0o666);
  const handle = await openPart(path, 0);
  let spans = base.spans;
  try {
    await fitTo(handle, origin.totalBytes);
    for (const { at, bytes } of pieces) {
      await writeFully(handle, bytes, at);
      spans = addSpan(spans, [at, at + bytes.length]);
    }
    await syncFile(handle);
  } finally {
    await closeHandle(handle, path);
  }
  await writePartState(path, { ...empty, owner: null, ...origin, ...toDurable(spans) });
}

/** Never longer than the file will be. */
async function fitTo(handle: FileHandle, totalBytes: number): Promise<void> {
  if ((await handle.stat()).size > totalBytes) await handle.truncate(totalBytes);
}
