import { loadSharp } from '../dataset/load-sharp.ts';
import { toPrintable } from '../text.ts';

/** Decodes an image. @returns why it can't be decoded; undefined: it can */
export type Decode = (content: Uint8Array) => Promise<string | undefined>;

/** @throws CcxriError `usage`: sharp is not installed */
export async function loadDecoder(): Promise<Decode> {
  const sharp = await loadSharp('decoded', '--decode');
  return async (content) => {
    try {
      await sharp(content, { failOn: 'warning' }).raw().toBuffer();
      return undefined;
    } catch (error) {
      return toPrintable(error instanceof Error ? error.message : String(error), 200);
    }
  };
}
