import { createHash } from 'node:crypto';
import { createRandom } from '../../scripts/release/random.ts';

/** Bytes of which no two spans are alike; the same for a seed. */
export function randomBytes(length: number, seed: string): Buffer {
  const random = createRandom(seed);
  const bytes = Buffer.alloc(length);
  const words = length - (length % 4);
  for (let at = 0; at < words; at += 4) bytes.writeUInt32LE(random.int(2 ** 32), at);
  for (let at = words; at < length; at += 1) bytes[at] = random.int(256);
  return bytes;
}

/** By node:crypto, which has nothing to do with src/hash/. */
export function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}
