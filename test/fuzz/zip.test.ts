import { afterAll } from 'vitest';
import { fuzzTests, SHORT } from './fuzz-tests.ts';
import { Sandbox } from './sandbox.ts';
import { zipTargets } from './zip-target.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests(zipTargets(sandbox, 2), SHORT);
