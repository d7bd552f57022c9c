import { fuzzTests } from './fuzz-tests.ts';
import { textTargets } from './text-target.ts';

fuzzTests(textTargets);
