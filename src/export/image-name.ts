import { placeOf } from '../labels/join.ts';
import type { ExportRow } from './types.ts';

/** `jpg` of `patient1_000.JPEG`: what kind of image its name says that it is. */
export function endingOf(name: string): string {
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  return ending === 'jpeg' ? 'jpg' : ending;
}

/**
 * `ChestDx-1/patient1_000.webp` where `ChestDx-1/patient1_000.jpg` was converted; as it was where it was not.
 * Other endings than the published `.jpg` stay in the name: `a.png` and `a.jpg` must not become one file.
 */
export function imagePath({ row, ending }: ExportRow): string {
  const place = placeOf(row);
  return endingOf(place) === ending ? place : `${place.replace(/\.jpg$/, '')}.${ending}`;
}
