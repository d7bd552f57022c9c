import { afterAll, beforeAll } from 'vitest';
import { fuzzTests } from './fuzz-tests.ts';
import { ServedSite, serveTargets } from './serve-target.ts';

const site = new ServedSite();
beforeAll(() => site.start());
afterAll(() => site.stop());

fuzzTests(serveTargets(site));
