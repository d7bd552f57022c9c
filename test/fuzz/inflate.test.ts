import { fuzzTests, SHORT } from '../support/fuzz/fuzz-tests.ts';
import { inflateTargets } from '../support/fuzz/inflate-target.ts';

fuzzTests(inflateTargets(), SHORT);
