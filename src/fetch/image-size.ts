import { type Resizer, loadResizer } from '../dataset/convert-image.ts';
import { otherSizeError } from '../dataset/resized.ts';
import type { FileSurvey } from '../dataset/survey.ts';
import { CcxriError } from '../errors.ts';
import type { FetchOptions } from './fetch-types.ts';

/**
 * Loads what resizes images, before anything else is done.
 * @throws CcxriError `usage`: sharp is not installed; without `lowDisk`
 */
export async function resizerOf({ resize, lowDisk }: FetchOptions): Promise<Resizer | undefined> {
  if (resize === undefined) return undefined;
  if (lowDisk === true) return loadResizer(resize);
  throw new CcxriError(
    'usage',
    'images are resized on the way only where their archives are not kept',
    {
      kept: 'everything: nothing was started',
      next: [
        {
          kind: 'option',
          option: 'low-disk',
          or: {
            kind: 'run',
            command: 'export',
            argument: 'imagefolder',
            options: { resize: `${resize}`, to: 'DIR' },
            purpose: 'to write smaller images beside those that are here',
          },
        },
      ],
    },
  );
}

/**
 * A run that writes images must not put another size beside, or in the place of, what is here.
 * @throws CcxriError `usage`
 */
export function assertSameSize(
  surveys: readonly FileSurvey[],
  { resize, extract = true }: Pick<FetchOptions, 'resize' | 'extract'>,
): void {
  if (!extract) return;
  const wanted = resize ?? null;
  const others = surveys.flatMap(({ file, images, members }) => {
    // Of images that the ledger does not know nobody can say that they are smaller.
    const here = members?.resizedTo ?? null;
    return images !== 'absent' && here !== wanted ? [{ file: file.name, here }] : [];
  });
  if (others.length > 0) throw otherSizeError(others, wanted);
}
