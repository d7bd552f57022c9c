import { afterAll } from 'vitest';
import { fuzzTests } from './fuzz-tests.ts';
import { programTarget } from './program-target.ts';
import { Sandbox } from './sandbox.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests([programTarget(sandbox)]);
