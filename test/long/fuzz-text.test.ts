import { fuzzTests, LONG } from '../fuzz/fuzz-tests.ts';
import { textTargets } from '../fuzz/text-target.ts';

fuzzTests(textTargets, LONG);
