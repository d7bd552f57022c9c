import { fuzzTests, LONG } from '../fuzz/fuzz-tests.ts';
import { httpTargets } from '../fuzz/http-target.ts';

fuzzTests(httpTargets, LONG);
