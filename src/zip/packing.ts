import { FLAG, METHOD, type ZipEntry } from './entry.ts';
import type { Packing } from './report.ts';

/** By their number (APPNOTE 4.4.5), with the programs that read them. */
const METHODS: ReadonlyMap<number, readonly [string, ...string[]]> = new Map([
  [1, ['shrinking', '7z', 'unzip']],
  [6, ['imploding', '7z', 'unzip']],
  [9, ['deflate64', '7z', 'unzip']],
  [12, ['bzip2', '7z', 'bsdtar']],
  [14, ['LZMA', '7z', 'bsdtar']],
  [93, ['Zstandard', '7z', 'bsdtar']],
  [95, ['xz', '7z', 'bsdtar']],
  [98, ['PPMd', '7z', 'bsdtar']],
]);
const AES = 99;

/** How a member is packed, if not in one of the two ways that ccxri reads; undefined: it is. */
export function unreadPackingOf({
  flags,
  method,
}: Pick<ZipEntry, 'flags' | 'method'>): Packing | undefined {
  if ((flags & (FLAG.stronglyEncrypted | FLAG.maskedHeaders)) !== 0) return STRONG_ENCRYPTION;
  if (method === AES) return encrypted('AES', ['7z', 'bsdtar']);
  if ((flags & FLAG.encrypted) !== 0) return encrypted('ZipCrypto', ['7z', 'bsdtar', 'unzip']);
  if (method === METHOD.stored || method === METHOD.deflated) return undefined;
  const [name = `method ${method}`, ...tools] = METHODS.get(method) ?? [];
  return { code: 'compression-method', how: `is packed by ${name}`, tools };
}

function encrypted(name: string, tools: readonly string[]): Packing {
  return { code: 'encrypted', how: `is encrypted (${name})`, tools };
}

/** Of PKWARE's own: patented, and read by nothing else. */
export const STRONG_ENCRYPTION = encrypted('strong encryption', []);
