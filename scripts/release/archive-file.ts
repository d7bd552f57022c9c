import { drawChest, MADE_UP } from './draw-chest.ts';
import type { Sign } from './draw-signs.ts';
import { groupOf } from './groups.ts';
import { encodeJpeg } from './jpeg.ts';
import type { PlannedArchive, ReleaseImage } from './release-types.ts';
import { zipChunks, type ZipMember } from './zip-writer.ts';

/**
 * An image's file: a drawing of its labels that says of itself that it is made up.
 * @param quality of the JPEG, 1 to 100; default 85
 */
export function drawJpeg(image: ReleaseImage, quality?: number): Promise<Buffer> {
  const { size, patient, name } = image;
  const drawn = drawChest({ size, patient, image: name, signs: signsOf(image) });
  return encodeJpeg(drawn, { comment: `${MADE_UP} by ccxri: no patient data`, quality });
}

function signsOf({ archive, labels, covid }: ReleaseImage): readonly Sign[] {
  switch (groupOf(archive).stem) {
    case 'Viral':
      return [covid ? 'covid' : 'viral'];
    case 'Other':
      return ['Consolidation', 'Pneumonia'];
    default:
      return labels;
  }
}

/** The zip of an archive, a piece at a time. */
export function archiveChunks(
  { spec, images }: PlannedArchive,
  toJpeg: (image: ReleaseImage) => Buffer | Promise<Buffer> = drawJpeg,
): AsyncGenerator<Buffer, void, undefined> {
  const folder = spec.topFolder === true ? `${spec.name}/` : '';
  async function* members(): AsyncGenerator<ZipMember> {
    if (folder !== '') yield { name: folder, bytes: Buffer.alloc(0) };
    for (const image of images)
      yield { name: `${folder}${image.name}`, bytes: await toJpeg(image) };
    for (const stray of spec.strays ?? []) {
      yield { name: `${folder}${stray}`, bytes: Buffer.from(`${stray}: not an image\n`) };
    }
  }
  return zipChunks(members(), spec.method === undefined ? {} : { method: spec.method });
}
