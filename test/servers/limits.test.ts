import { describe } from 'vitest';
import { variantsOf } from './exchange.ts';
import { LIMIT_EXCHANGES } from './exchanges/limits.ts';
import { describeExchanges } from './suite.ts';

describe('#12 #30 #38 #39 #47 few connections, other nodes', () => {
  describeExchanges({ at: 5, name: 'limits', variants: variantsOf(LIMIT_EXCHANGES) });
});
