import { cliTargets } from '../support/fuzz/cli-target.ts';
import { fuzzTests, SHORT } from '../support/fuzz/fuzz-tests.ts';

fuzzTests(cliTargets, SHORT);
