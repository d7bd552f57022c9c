import { afterAll } from 'vitest';
import { fuzzTests, LONG } from '../fuzz/fuzz-tests.ts';
import { programTarget } from '../fuzz/program-target.ts';
import { Sandbox } from '../fuzz/sandbox.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests([programTarget(sandbox)], LONG);
