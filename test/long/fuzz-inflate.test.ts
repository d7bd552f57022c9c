import { fuzzTests, LONG } from '../support/fuzz/fuzz-tests.ts';
import { inflateTargets } from '../support/fuzz/inflate-target.ts';

fuzzTests(inflateTargets(), LONG);
