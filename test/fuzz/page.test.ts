import { fuzzTests, SHORT } from '../support/fuzz/fuzz-tests.ts';
import { pageTargets } from '../support/fuzz/page-target.ts';

fuzzTests(pageTargets, SHORT);
