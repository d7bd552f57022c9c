import { createCipheriv, createHash } from 'node:crypto';

/** Bytes of which no two spans are alike, and that do not deflate; the same for a seed. 100 MB of them take a blink. */
export function randomBytes(length: number, seed: string): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16)).update(
    Buffer.alloc(length),
  );
}

/** By node:crypto, which has nothing to do with src/hash/. */
export function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}
