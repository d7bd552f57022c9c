import { afterAll } from 'vitest';
import { fuzzTests } from './fuzz-tests.ts';
import { Sandbox } from './sandbox.ts';
import { stateTargets } from './state-target.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests(stateTargets(sandbox));
