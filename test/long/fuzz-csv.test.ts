import { afterAll } from 'vitest';
import { csvTargets } from '../support/fuzz/csv-target.ts';
import { fuzzTests, LONG } from '../support/fuzz/fuzz-tests.ts';
import { Sandbox } from '../support/fuzz/sandbox.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests(csvTargets(sandbox), LONG);
