import { afterAll } from 'vitest';
import { fuzzTests, LONG } from '../support/fuzz/fuzz-tests.ts';
import { Sandbox } from '../support/fuzz/sandbox.ts';
import { zipTargets } from '../support/fuzz/zip-target.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests(zipTargets(sandbox, 10), LONG);
