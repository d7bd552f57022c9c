import { afterAll } from 'vitest';
import { csvTargets } from '../fuzz/csv-target.ts';
import { fuzzTests, LONG } from '../fuzz/fuzz-tests.ts';
import { Sandbox } from '../fuzz/sandbox.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests(csvTargets(sandbox), LONG);
