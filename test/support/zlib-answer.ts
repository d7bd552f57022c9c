import { inflateRawSync } from 'node:zlib';
import { splitInfo } from '../../src/zip/inflate.ts';

/** What zlib makes of the start of some bytes, and how many of them it used; undefined: no stream. */
export function zlibAnswer(
  packed: Uint8Array,
  maxOutputLength: number,
): { readonly content: Buffer; readonly usedBytes: number } | undefined {
  let result: object;
  try {
    result = inflateRawSync(packed, { info: true, maxOutputLength });
  } catch {
    return undefined;
  }
  const { content, usedBytes } = splitInfo(result);
  return {
    content: Buffer.from(content.buffer, content.byteOffset, content.length),
    usedBytes,
  };
}
