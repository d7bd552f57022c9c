import { fuzzTests, SHORT } from './fuzz-tests.ts';
import { manifestTargets } from './manifest-target.ts';

fuzzTests(manifestTargets, SHORT);
