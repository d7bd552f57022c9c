import { fuzzTests, SHORT } from '../support/fuzz/fuzz-tests.ts';
import { textTargets } from '../support/fuzz/text-target.ts';

fuzzTests(textTargets, SHORT);
