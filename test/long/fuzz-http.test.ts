import { fuzzTests, LONG } from '../support/fuzz/fuzz-tests.ts';
import { httpTargets } from '../support/fuzz/http-target.ts';

fuzzTests(httpTargets, LONG);
