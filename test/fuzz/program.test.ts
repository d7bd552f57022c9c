import { afterAll } from 'vitest';
import { fuzzTests, SHORT } from './fuzz-tests.ts';
import { programTarget } from './program-target.ts';
import { Sandbox } from './sandbox.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests([programTarget(sandbox)], SHORT);
