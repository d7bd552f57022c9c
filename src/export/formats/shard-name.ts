import type { ShardTarget } from '../types.ts';

/**
 * `train-00003`: what a shard is called before its ending; `images-00003` where there is no split.
 * @param digits as many as loaders of the format expect
 */
export function shardName(
  { split, number }: Pick<ShardTarget, 'split' | 'number'>,
  digits: number,
): string {
  return `${split === undefined ? 'images' : loaderName(split)}-${String(number).padStart(digits, '0')}`;
}

/** `hold.out` of `hold-out`: the name of a split has no `-` in Hugging Face's `datasets`, and a file's name ends it there. */
export const loaderName = (split: string) => split.replaceAll('-', '.');
