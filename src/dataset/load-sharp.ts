import { CcxriError } from '../errors.ts';

/**
 * Loads sharp, which is no part of ccxri: it is as large as the rest of it ten times over.
 * @param doing what is done with images by it: `decoded`
 * @param option that asks for it
 * @throws CcxriError `usage`: it is not installed
 */
export async function loadSharp(doing: string, option: string) {
  try {
    const { default: sharp } = await import('sharp');
    // Several images are worked on at once: each needs one thread alone. None comes twice.
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  } catch (cause) {
    throw new CcxriError(
      'usage',
      `images are ${doing} by the package sharp, which is not installed`,
      {
        cause,
        kept: 'nothing was changed',
        next: [
          {
            kind: 'advice',
            text: 'type `npm install sharp` where ccxri is installed',
            or: { kind: 'advice', text: `leave out ${option}` },
          },
        ],
      },
    );
  }
}
