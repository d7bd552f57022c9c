import { fuzzTests, LONG } from '../fuzz/fuzz-tests.ts';
import { pageTargets } from '../fuzz/page-target.ts';

fuzzTests(pageTargets, LONG);
