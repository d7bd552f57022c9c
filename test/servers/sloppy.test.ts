import { describe } from 'vitest';
import { variantsOf } from './exchange.ts';
import { SLOPPY_EXCHANGES } from './exchanges/sloppy.ts';
import { describeExchanges } from './suite.ts';

describe('#7 #190 #192 #193 #194 sloppy HTTP, redirects and cookies', () => {
  describeExchanges({ at: 4, name: 'sloppy', variants: variantsOf(SLOPPY_EXCHANGES) });
});
