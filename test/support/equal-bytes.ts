import { expect } from 'vitest';

/** `toEqual` of bytes would compare them one by one, for seconds a megabyte; it still shows where they differ. */
expect.addEqualityTesters([
  (a, b) => (Buffer.isBuffer(a) && Buffer.isBuffer(b) && a.equals(b) ? true : undefined),
]);
