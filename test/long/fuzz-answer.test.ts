import { afterAll, beforeAll } from 'vitest';
import { AnswerServer, answerTargets } from '../fuzz/answer-target.ts';
import { fuzzTests, LONG } from '../fuzz/fuzz-tests.ts';

const server = new AnswerServer();
beforeAll(() => server.start());
afterAll(() => server.stop());

fuzzTests(answerTargets(server), LONG);
