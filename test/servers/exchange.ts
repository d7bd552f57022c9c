import { bigSample } from '../support/big-sample.ts';
import type { Twist, Validators } from '../support/odd-server.ts';
import { type Cut, CUTS } from '../support/twists.ts';
import { gapOf } from './gaps.ts';

/** How a server behaves, and what is expected where ccxri fetches a file from it. */
export interface Exchange {
  /** With the number of its hostile case. */
  readonly name: string;
  readonly validators?: Validators;
  /** Of one run: they may count. */
  readonly twists?: () => readonly Twist[];
  /** Default: both. */
  readonly sizes?: readonly Size[];
  /** Default: no cut. */
  readonly cuts?: readonly Cut[];
  /**
   * The bytes that come can be placed, or be told to be of no use by their headers: no more than 1.05 of
   * the file and 1 MB may come. Default: yes.
   */
  readonly isPlaced?: boolean;
  /** The codes that are right. Default: 0 alone. */
  readonly exit?: readonly number[];
  /** Not in `npm test`: another of its kind is. */
  readonly isLong?: boolean;
}

export const SIZES = {
  '2 MB': bigSample('ChestDx-1.zip', 2_000_003),
  '24 MB': bigSample('ChestDx-1.zip', 24_000_007, 2),
} as const;

export type Size = keyof typeof SIZES;

/** An exchange with a file of one size and answers cut in one way. */
export interface Variant extends Exchange {
  readonly size: Size;
  readonly title: string;
  /** Runs in `npm test`. */
  readonly isShort: boolean;
  /** Why ccxri does not do as is wanted. */
  readonly gap: string | undefined;
}

export function variantsOf(exchanges: readonly Exchange[]): readonly Variant[] {
  return exchanges.flatMap((exchange) => {
    const { sizes = ['2 MB', '24 MB'], cuts = ['no cut'] } = exchange;
    return cuts.flatMap((cut, atCut) =>
      sizes.map((size, atSize) => {
        const title = `${exchange.name}, ${size}${cut === 'no cut' ? '' : `, ${cut}`}`;
        return {
          ...exchange,
          size,
          title,
          isShort: exchange.isLong !== true && atCut === 0 && atSize === 0,
          gap: gapOf(title),
          twists: () => [...(exchange.twists?.() ?? []), ...CUTS[cut]()],
        };
      }),
    );
  });
}
