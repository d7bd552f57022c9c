import { describe } from 'vitest';
import { variantsOf } from './exchange.ts';
import { VALIDATOR_EXCHANGES } from './exchanges/validators.ts';
import { describeExchanges } from './suite.ts';

describe('#48 #179 #180 validators of no use', () => {
  describeExchanges({ at: 0, name: 'validators', variants: variantsOf(VALIDATOR_EXCHANGES) });
});
