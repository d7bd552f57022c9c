import { fuzzTests, LONG } from '../fuzz/fuzz-tests.ts';
import { manifestTargets } from '../fuzz/manifest-target.ts';

fuzzTests(manifestTargets, LONG);
