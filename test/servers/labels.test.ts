import { describe } from 'vitest';
import { variantsOf } from './exchange.ts';
import { LABEL_EXCHANGES } from './exchanges/labels.ts';
import { describeExchanges } from './suite.ts';

describe('#2 #3 #185 #186 #187 bytes under a wrong label', () => {
  describeExchanges({ at: 2, name: 'labels', variants: variantsOf(LABEL_EXCHANGES) });
});
