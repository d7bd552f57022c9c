import { describe } from 'vitest';
import { variantsOf } from './exchange.ts';
import { RANGE_EXCHANGES } from './exchanges/ranges.ts';
import { describeExchanges } from './suite.ts';

describe('#42 #43 #45 #177 #178 #181 #182 #183 #184 ranges refused or garbled', () => {
  describeExchanges({ at: 1, name: 'ranges', variants: variantsOf(RANGE_EXCHANGES) });
});
