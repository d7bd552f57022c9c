import { fuzzTests } from './fuzz-tests.ts';
import { manifestTargets } from './manifest-target.ts';

fuzzTests(manifestTargets);
