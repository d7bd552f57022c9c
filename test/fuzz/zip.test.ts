import { afterAll } from 'vitest';
import { rounds } from '../support/rounds.ts';
import { fuzzTests } from './fuzz-tests.ts';
import { Sandbox } from './sandbox.ts';
import { zipTargets } from './zip-target.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests(zipTargets(sandbox, rounds({ brief: 5, full: 10 })));
