import { cliTargets } from './cli-target.ts';
import { fuzzTests, SHORT } from './fuzz-tests.ts';

fuzzTests(cliTargets, SHORT);
