import { afterAll } from 'vitest';
import { fuzzTests, SHORT } from '../support/fuzz/fuzz-tests.ts';
import { Sandbox } from '../support/fuzz/sandbox.ts';
import { stateTargets } from '../support/fuzz/state-target.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests(stateTargets(sandbox), SHORT);
