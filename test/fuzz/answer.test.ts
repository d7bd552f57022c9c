import { afterAll, beforeAll } from 'vitest';
import { AnswerServer, answerTargets } from './answer-target.ts';
import { fuzzTests } from './fuzz-tests.ts';

const server = new AnswerServer();
beforeAll(() => server.start());
afterAll(() => server.stop());

fuzzTests(answerTargets(server));
