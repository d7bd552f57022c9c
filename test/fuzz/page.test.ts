import { fuzzTests } from './fuzz-tests.ts';
import { pageTargets } from './page-target.ts';

fuzzTests(pageTargets);
