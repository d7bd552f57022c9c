import { createCipheriv } from 'node:crypto';
import { toSample, type Sample } from './fetching.ts';

/** Large enough for several connections; begins as a zip does, and is of no use as one. */
export function bigSample(name: string, bytes: number, seed = 1): Sample {
  const key = Buffer.alloc(16, seed);
  const body = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
  body.write('PK\u0003\u0004');
  return toSample(name, body, { kind: 'archive', category: 'ChestDx' });
}
