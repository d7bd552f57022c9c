import { inflateRawSync } from 'node:zlib';

/** What zlib makes of the start of some bytes, and how many of them it used; undefined: no stream. */
export function zlibAnswer(
  packed: Uint8Array,
  maxOutputLength: number,
): { readonly content: Buffer; readonly usedBytes: number } | undefined {
  try {
    // Node's types do not know what comes back with `info`.
    const { buffer, engine } = inflateRawSync(packed, {
      info: true,
      maxOutputLength,
    }) as unknown as {
      readonly buffer: Buffer;
      readonly engine: { readonly bytesWritten: number };
    };
    return { content: buffer, usedBytes: engine.bytesWritten };
  } catch {
    return undefined;
  }
}
