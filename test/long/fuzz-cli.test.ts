import { cliTargets } from '../fuzz/cli-target.ts';
import { fuzzTests, LONG } from '../fuzz/fuzz-tests.ts';

fuzzTests(cliTargets, LONG);
