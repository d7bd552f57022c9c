import { cliTargets } from '../support/fuzz/cli-target.ts';
import { fuzzTests, LONG } from '../support/fuzz/fuzz-tests.ts';

fuzzTests(cliTargets, LONG);
