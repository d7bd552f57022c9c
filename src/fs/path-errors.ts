import { CcxriError } from '../errors.ts';
import { formatCount } from '../text.ts';

/** Something else than a file lies in a file's place. */
export function noFile(path: string, expected = 'a file', cause?: unknown): CcxriError {
  return new CcxriError('occupied', `${path} is there and is no file`, {
    path,
    expected,
    hint: 'move it out of the way, then run the same command again',
    cause,
  });
}

/** @param sizes before and after, in bytes: they may be the same */
export function changedMeanwhile(
  path: string,
  sizes: { readonly before: number; readonly after: number },
): CcxriError {
  const { before, after } = sizes;
  return new CcxriError('occupied', `${path} changed while it was being read`, {
    path,
    expected: `a file at rest, of ${formatCount(before)} bytes`,
    found: before === after ? 'other bytes in the same length' : `${formatCount(after)} bytes`,
    hint: 'another program is writing it: let that end, then run the same command again',
  });
}

/** The system said that a write went well; what lies there is something else. */
export function lostOnDisk(path: string): CcxriError {
  return new CcxriError('disk-io', `what was written to ${path} is not what lies there now`, {
    path,
    hint: 'the disk, or the network behind it, loses data: look at it before you run the same command again',
  });
}
