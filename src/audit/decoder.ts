import { CcxriError } from '../errors.ts';
import { toPrintable } from '../text.ts';

/** Decodes an image. @returns why it can't be decoded; undefined: it can */
export type Decode = (content: Uint8Array) => Promise<string | undefined>;

/**
 * Loads sharp, which is no part of ccxri: it is as large as the rest of it ten times over.
 * @throws CcxriError `usage`: it is not installed
 */
export async function loadDecoder(): Promise<Decode> {
  const { default: sharp } = await importSharp();
  // Several images are decoded at once: each needs one thread alone.
  sharp.concurrency(1);
  return async (content) => {
    try {
      await sharp(content, { failOn: 'warning' }).raw().toBuffer();
      return undefined;
    } catch (error) {
      return toPrintable(error instanceof Error ? error.message : String(error), 200);
    }
  };
}

async function importSharp() {
  try {
    return await import('sharp');
  } catch {
    throw new CcxriError(
      'usage',
      'images are decoded by the package sharp, which is not installed',
      {
        kept: 'nothing was changed',
        next: [
          {
            kind: 'advice',
            text: 'type `npm install sharp` where ccxri is installed',
            or: { kind: 'advice', text: 'leave out --decode' },
          },
        ],
      },
    );
  }
}
