import { CcxriError } from '../errors.ts';
import type { Size } from '../manifest/size.ts';
import { formatSize } from '../text.ts';

/**
 * A limit on what a run may download, checked against its plan: before the first byte of it, and also in a
 * dry run.
 * @param maxBytes undefined: no limit
 * @throws CcxriError `too-many-bytes`
 */
export function assertWithinLimit(planned: Size, maxBytes: number | undefined): void {
  if (maxBytes === undefined || planned.bytes <= maxBytes) return;
  const most = formatSize({ bytes: maxBytes, about: false });
  const size = formatSize(planned);
  throw new CcxriError('too-many-bytes', `this would download ${size}, more than ${most}`, {
    expected: `${most} at most`,
    found: size,
    kept: 'everything: nothing was started',
    next: [
      {
        kind: 'option',
        option: 'max-bytes',
        value: String(planned.bytes),
        purpose: 'to allow it',
        or: { kind: 'advice', text: 'select less' },
      },
    ],
  });
}
