import { fuzzTests } from './fuzz-tests.ts';
import { inflateTargets } from './inflate-target.ts';

fuzzTests(inflateTargets());
