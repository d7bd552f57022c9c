import { constants } from 'node:fs';
import {
  lstat,
  open,
  readFile,
  rename,
  unlink,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { directoryVanished } from '../fs/paths.ts';
import { parsePartState, type PartState } from './part-state.ts';
import { syncFile } from '../fs/atomic.ts';

/** Longer than any honest state. */
const MAX_STATE_BYTES = 64 * 1024;

/** `ChestDx-1.zip.<token>.json` beside `ChestDx-1.zip.<token>.part` */
export function statePathOf(partPath: string): string {
  return partPath.replace(/\.part$/, '.json');
}

/** undefined: there is none, or it is mangled: it costs the part, never a wrong file. */
export async function readPartState(partPath: string): Promise<PartState | 'newer' | undefined> {
  return await readState(statePathOf(partPath));
}

/** A state that was written, and then not put in the old one's place: its writer was killed. */
export async function readStrayState(partPath: string): Promise<PartState | 'newer' | undefined> {
  return await readState(`${statePathOf(partPath)}.tmp`);
}

async function readState(path: string): Promise<PartState | 'newer' | undefined> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile() || stats.size > MAX_STATE_BYTES) return undefined;
    return parsePartState(await readFile(path, 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw toDiskError(error, 'read', { path });
  }
}

/**
 * Renamed over the old state, but not flushed: a state that a power cut mangles costs the part,
 * never a wrong file, and a flush for each would cost more than it saves.
 * @throws CcxriError of the disk; the old state is as it was then
 */
export async function writePartState(partPath: string, state: PartState): Promise<void> {
  const path = statePathOf(partPath);
  const temporary = `${path}.tmp`;
  try {
    await writeFile(temporary, JSON.stringify(state));
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    if (errnoOf(error) === 'ENOENT') throw directoryVanished(path, error);
    throw toDiskError(error, 'write', { path });
  }
}

/** @throws CcxriError of the disk */
export async function openPart(path: string, flags: number): Promise<FileHandle> {
  try {
    // Never through a link: the part must be the file that it seems to be.
    return await open(path, constants.O_RDWR | constants.O_NOFOLLOW | flags, 0o644);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw directoryVanished(path, error);
    throw toDiskError(error, 'open', { path });
  }
}

/** A part and its state. @throws CcxriError of the disk */
export async function removePart(partPath: string): Promise<void> {
  await removeIfThere(partPath);
  await removeIfThere(statePathOf(partPath));
}

/** A file; what is none is not ours, and stays. @throws CcxriError of the disk */
export async function removeIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (['ENOENT', 'EISDIR'].includes(errnoOf(error) ?? '')) return;
    throw toDiskError(error, 'remove', { path });
  });
}

export function partDeleted(path: string, cause?: unknown): CcxriError {
  return new CcxriError('missing', 'the partial download was deleted while it was written', {
    path,
    hint: 'leave .ccxri/ alone while ccxri runs; run the same command again',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Makes what is written last, but for the file's times. @throws CcxriError of the disk */
export async function flushData(handle: FileHandle, path: string): Promise<void> {
  try {
    await syncFile({ sync: () => handle.datasync() });
  } catch (error) {
    throw toDiskError(error, 'flush', { path });
  }
}
