import { afterAll } from 'vitest';
import { fuzzTests, LONG } from '../support/fuzz/fuzz-tests.ts';
import { programTarget } from '../support/fuzz/program-target.ts';
import { Sandbox } from '../support/fuzz/sandbox.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests([programTarget(sandbox)], LONG);
