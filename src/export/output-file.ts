import { createHash } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { whenFilesAreFree } from '../concurrency.ts';
import { toDiskError } from '../errors.ts';
import { syncFile } from '../fs/atomic.ts';
import { makeDirectory } from '../fs/paths.ts';
import type { ExportedFile, OutputFile } from './types.ts';

/** The files that one step of an export writes, each counted and hashed on the way. */
export class OutputFiles {
  readonly #directory: string;
  readonly #open = new Map<string, FileHandle>();
  readonly #closed = new Map<string, ExportedFile>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Those that are closed, in the order of their names. */
  get written(): readonly ExportedFile[] {
    return [...this.#closed.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** As `ShardTarget.create`. */
  readonly create = async (name: string): Promise<OutputFile> => {
    const path = join(this.#directory, name);
    const inWords = (doing: string) => (error: unknown) => {
      throw toDiskError(error, doing, { path });
    };
    await makeDirectory(dirname(path));
    const handle = await whenFilesAreFree(() => open(path, 'w')).catch(inWords('write'));
    this.#open.set(path, handle);
    const hash = createHash('sha256');
    let bytes = 0;
    return {
      get bytes() {
        return bytes;
      },
      write: async (chunk) => {
        const pieces = [chunk].flat().map((piece) => toBytes(piece));
        const written = writePieces(handle, pieces);
        // Hashed here while a thread of Node's writes.
        for (const piece of pieces) {
          hash.update(piece);
          bytes += piece.length;
        }
        await written.catch(inWords('write'));
      },
      close: async () => {
        await this.#close(path, handle, bytes).catch(inWords('write'));
        this.#closed.set(name, { path: name, bytes, sha256: hash.digest('hex') });
      },
    };
  };

  /** Closes and removes what was not closed. */
  async discardOpen(): Promise<void> {
    for (const [path, handle] of this.#open) {
      await handle.close().catch(() => undefined);
      await unlink(path).catch(() => undefined);
    }
    this.#open.clear();
  }

  async #close(path: string, handle: FileHandle, bytes: number): Promise<void> {
    if ((await handle.stat()).size !== bytes) {
      throw Object.assign(new Error('the file is shorter than written'), { code: 'ENOSPC' });
    }
    await syncFile(handle);
    this.#open.delete(path);
    await handle.close();
  }
}

function toBytes(piece: Uint8Array | string): Uint8Array {
  return typeof piece === 'string' ? Buffer.from(piece) : piece;
}

/** Loops on short writes: a full disk gives one without an error. */
async function writePieces(handle: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  let rest = pieces.filter(({ length }) => length > 0);
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest);
    rest = behind(rest, bytesWritten);
  }
}

/** What is left of some pieces behind their first bytes. */
function behind(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  return pieces.flatMap((piece) => {
    const taken = Math.min(left, piece.length);
    left -= taken;
    return taken === piece.length ? [] : [piece.subarray(taken)];
  });
}
