import type { Member } from './directory.ts';
import { damaged, toName, unsafe } from './verdict.ts';
import type { CcxriError } from '../errors.ts';

/** What can turn out wrong with a member's bytes; the texts are the same however they are read. */
export const memberErrors = (file: string, { name, size, crc32 }: Member) => ({
  tooLong: (): CcxriError =>
    unsafe(file, `${toName(name)}: unpacks to more than the ${size} bytes it says`),
  unused: (): CcxriError =>
    unsafe(file, `${toName(name)}: holds more bytes than its content needs`),
  tooShort: (found: number): CcxriError =>
    damaged(file, `${toName(name)} unpacks to fewer bytes than it says`, {
      expected: `${size} bytes`,
      found: `${found} bytes`,
    }),
  wrongCrc: (found: number): CcxriError =>
    damaged(file, `${toName(name)} has the wrong content`, {
      expected: `CRC-32 ${toHex(crc32)}`,
      found: `CRC-32 ${toHex(found)}`,
    }),
  undecodable: (why: string): CcxriError =>
    damaged(file, `${toName(name)} can not be unpacked: ${why}`),
});

function toHex(crc32: number): string {
  return crc32.toString(16).padStart(8, '0');
}
