import { CcxriError } from '../errors.ts';
import { stemOf } from '../manifest/manifest.ts';

/** The size in which images are here, or are to be: pixels of the longest side; null: as published. */
export type ImageSize = number | null;

/** What of an archive lies in images/ in another size than a run would write. */
export interface OtherSize {
  /** Manifest name. */
  readonly file: string;
  readonly here: ImageSize;
}

/**
 * Images of two sizes under one name would be mixed up, and neither can be made of the other without the
 * archive: what is here stays.
 * @param others at least one
 */
export function otherSizeError(others: readonly OtherSize[], wanted: ImageSize): CcxriError {
  const [first] = others;
  const files = others.map(({ file }) => stemOf(file));
  const here = first?.here ?? null;
  const more = files.length > 1 ? ` and ${files.length - 1} more` : '';
  const folders = `images/${files[0] ?? ''}${more}`;
  return new CcxriError(
    'usage',
    `${folders}: the images are here ${wordsOf(here)}, not ${wordsOf(wanted)}`,
    {
      ...(first && { file: first.file }),
      expected: wordsOf(wanted),
      found: wordsOf(here),
      kept: 'everything: nothing was started',
      next: [
        {
          kind: 'run',
          command: 'fetch',
          files: files.slice(0, 5),
          options: here === null ? {} : asResized(here),
          purpose: 'to go on with the size that is here',
          or: { kind: 'advice', text: 'move these folders away, or name another --dest' },
        },
      ],
    },
  );
}

/** The options of a run that writes images in this size. */
export function asResized(size: number) {
  return { 'low-disk': true, resize: `${size}` } as const;
}

function wordsOf(size: ImageSize): string {
  return size === null ? 'as published' : `resized to ${size} pixels`;
}
