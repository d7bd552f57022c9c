import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { toDiskError } from '../errors.ts';
import { type OpenedFile, isUnchanged } from './served-file.ts';

/** Two of these a transfer: one is filled while the system takes the other. */
const PIECE_BYTES = 512 * 1024;

export interface Span {
  readonly fromByte: number;
  /** The one behind the last. */
  readonly toByte: number;
}

interface Receiver {
  readonly response: ServerResponse;
  /** Fires when its connection has ended. */
  readonly end: AbortSignal;
}

/** How the sending of a body ended; `left`: the client went away. */
export type SendEnd = 'sent' | 'left' | 'changed';

/**
 * Sends bytes of a file as fast as the client takes them. No piece is sent before the file was seen to be
 * the same behind its reading: an answer never ends well with bytes of two files.
 * @param onSent gets the length of each piece that the system has taken
 * @throws CcxriError of the disk
 */
export async function sendFile(
  file: OpenedFile,
  { response, end }: Receiver,
  { fromByte, toByte }: Span,
  onSent: (bytes: number) => void,
): Promise<SendEnd> {
  if (end.aborted) return 'left';
  let leave = (): void => undefined;
  const left = new Promise<false>((resolve) => (leave = () => resolve(false)));
  end.addEventListener('abort', leave);
  try {
    const size = Math.min(PIECE_BYTES, toByte - fromByte);
    let [buffer, other] = [Buffer.allocUnsafe(size), Buffer.allocUnsafe(size)];
    let writing: Promise<boolean> = Promise.resolve(true);
    for (let at = fromByte; at < toByte;) {
      const piece = buffer.subarray(0, Math.min(size, toByte - at));
      const isWhole = await fill(piece, at, file);
      if (!isWhole || !(await isUnchanged(file))) return 'changed';
      if (!(await writing)) return 'left';
      writing = Promise.race([write(response, piece, onSent), left]);
      at += piece.length;
      [buffer, other] = [other, buffer];
    }
    return (await writing) ? 'sent' : 'left';
  } finally {
    end.removeEventListener('abort', leave);
  }
}

/** false: the file ends before. */
async function fill(
  piece: Buffer,
  position: number,
  { handle, path }: { readonly handle: FileHandle; readonly path: string },
): Promise<boolean> {
  try {
    for (let done = 0; done < piece.length;) {
      const { bytesRead } = await handle.read(piece, done, piece.length - done, position + done);
      if (bytesRead === 0) return false;
      done += bytesRead;
    }
    return true;
  } catch (error) {
    throw toDiskError(error, 'read', { path });
  }
}

/** Resolves when the system has it; false: the connection has ended. */
function write(
  response: ServerResponse,
  piece: Buffer,
  onSent: (bytes: number) => void,
): Promise<boolean> {
  return new Promise((resolve) => {
    response.write(piece, (error) => {
      const isSent = error === null || error === undefined;
      if (isSent) onSent(piece.length);
      resolve(isSent);
    });
  });
}
