import { fuzzTests, SHORT } from '../support/fuzz/fuzz-tests.ts';
import { manifestTargets } from '../support/fuzz/manifest-target.ts';

fuzzTests(manifestTargets, SHORT);
