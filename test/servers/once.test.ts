import { describe } from 'vitest';
import { variantsOf } from './exchange.ts';
import { ONCE_EXCHANGES } from './exchanges/once.ts';
import { describeExchanges } from './suite.ts';

describe('#8 #13 #188 #189 #191 #196 #198 an answer that is not the file', () => {
  describeExchanges({ at: 3, name: 'once', variants: variantsOf(ONCE_EXCHANGES) });
});
