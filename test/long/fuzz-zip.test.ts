import { afterAll } from 'vitest';
import { fuzzTests, LONG } from '../fuzz/fuzz-tests.ts';
import { Sandbox } from '../fuzz/sandbox.ts';
import { zipTargets } from '../fuzz/zip-target.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests(zipTargets(sandbox, 10), LONG);
