import type { ShardTarget } from '../types.ts';

/**
 * `train-00003`: what a shard is called before its ending; `images-00003` where there is no split.
 * @param digits as many as loaders of the format expect
 */
export function shardName(
  { split, number }: Pick<ShardTarget, 'split' | 'number'>,
  digits: number,
): string {
  return `${split ?? 'images'}-${String(number).padStart(digits, '0')}`;
}
