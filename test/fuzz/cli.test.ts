import { cliTargets } from './cli-target.ts';
import { fuzzTests } from './fuzz-tests.ts';

fuzzTests(cliTargets);
