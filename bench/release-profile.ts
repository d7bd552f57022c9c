import type { ReleaseSpec } from '../scripts/release/release-types.ts';

/** What a release for the bench is made of. */
export interface ReleaseProfile {
  readonly archives: number;
  /** In each archive. */
  readonly images: number;
  /** About, of each image. */
  readonly bytes: number;
}

/** 16 archives of 500 JPEGs of 300 KB: 2.4 GB. */
export const DEFAULT_PROFILE: ReleaseProfile = { archives: 16, images: 500, bytes: 300_000 };

export function specOf({ archives, images }: ReleaseProfile): ReleaseSpec {
  return {
    seed: 'bench',
    dataset: 'CC-CXRI bench (made up)',
    archives: Array.from({ length: archives }, (_, index) => ({
      name: `ChestDx-${index + 1}`,
      images,
    })),
  };
}
