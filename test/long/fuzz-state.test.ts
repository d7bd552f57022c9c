import { afterAll } from 'vitest';
import { fuzzTests, LONG } from '../fuzz/fuzz-tests.ts';
import { Sandbox } from '../fuzz/sandbox.ts';
import { stateTargets } from '../fuzz/state-target.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests(stateTargets(sandbox), LONG);
