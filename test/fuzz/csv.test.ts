import { afterAll } from 'vitest';
import { csvTargets } from './csv-target.ts';
import { fuzzTests } from './fuzz-tests.ts';
import { Sandbox } from './sandbox.ts';

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

fuzzTests(csvTargets(sandbox));
