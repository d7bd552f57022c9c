import { inflateRawSync } from 'node:zlib';
import { errnoOf } from '../errors.ts';
import type { Member } from './directory.ts';
import { memberErrors } from './member-error.ts';

/** zlib's complaints. Z_BUF_ERROR: the stream is not whole. */
const ZLIB_CODES = new Set(['Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT', 'Z_STREAM_ERROR']);

/** zlib's complaints in ccxri's words; all else as it came. */
export function toMemberError(error: unknown, file: string, member: Member): unknown {
  const code = errnoOf(error) ?? '';
  if (!(error instanceof Error) || !ZLIB_CODES.has(code)) return error;
  return memberErrors(file, member).undecodable(error.message);
}

/**
 * A member's content, unpacked by zlib in one go while the thread waits.
 * @param packed all its packed bytes
 * @throws CcxriError `damaged-archive`, `unsafe-archive`: it is not of its size, not whole, or there
 *   are bytes behind its end
 */
export function inflateWhole(packed: Uint8Array, member: Member, file: string): Uint8Array {
  const errors = memberErrors(file, member);
  const { content, usedBytes } = inflate(packed, member, file);
  if (content.length > member.size) throw errors.tooLong();
  if (usedBytes < packed.length) throw errors.unused();
  if (content.length < member.size) throw errors.tooShort(content.length);
  return content;
}

function inflate(packed: Uint8Array, member: Member, file: string) {
  // A little more room than is needed: where the content fills it, zlib would ask for as much again.
  const room = member.size + 64;
  try {
    return splitInfo(
      inflateRawSync(packed, { info: true, chunkSize: room, maxOutputLength: room }),
    );
  } catch (error) {
    if (errnoOf(error) === 'ERR_BUFFER_TOO_LARGE') throw memberErrors(file, member).tooLong();
    throw toMemberError(error, file, member);
  }
}

/** With `info` there come two things back; Node's types know of one. */
function splitInfo(result: object) {
  if ('buffer' in result && result.buffer instanceof Uint8Array && 'engine' in result) {
    const { buffer: content, engine } = result;
    if (typeof engine === 'object' && engine !== null && 'bytesWritten' in engine) {
      return { content, usedBytes: Number(engine.bytesWritten) };
    }
  }
  throw new Error('zlib did not tell how many bytes it used');
}
