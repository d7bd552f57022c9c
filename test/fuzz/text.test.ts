import { fuzzTests, SHORT } from './fuzz-tests.ts';
import { textTargets } from './text-target.ts';

fuzzTests(textTargets, SHORT);
