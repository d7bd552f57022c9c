import { fuzzTests } from './fuzz-tests.ts';
import { httpTargets } from './http-target.ts';

fuzzTests(httpTargets);
