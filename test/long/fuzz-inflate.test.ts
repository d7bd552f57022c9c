import { fuzzTests, LONG } from '../fuzz/fuzz-tests.ts';
import { inflateTargets } from '../fuzz/inflate-target.ts';

fuzzTests(inflateTargets(), LONG);
