import { afterAll } from 'vitest';
import { fuzzTests, SHORT } from './fuzz-tests.ts';
import { Sandbox } from './sandbox.ts';
import { stateTargets } from './state-target.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests(stateTargets(sandbox), SHORT);
