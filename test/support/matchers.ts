import { expect } from 'vitest';
import { renderNextSteps } from '../../src/cli/next-steps.ts';
import type { NextStep } from '../../src/errors.ts';

// vitest types its matchers as `any`; these say no more than they know.

/** A text that holds this. */
export const saying = (text: string | RegExp): unknown =>
  typeof text === 'string' ? expect.stringContaining(text) : expect.stringMatching(text);

/** A text that does not hold this. */
export const notSaying = (text: string | RegExp): unknown =>
  typeof text === 'string' ? expect.not.stringContaining(text) : expect.not.stringMatching(text);

/** An object with these fields, among others. */
export const having = (fields: object): unknown => expect.objectContaining(fields);

/** An object without these fields, or with others of the name. */
export const lacking = (fields: object): unknown => expect.not.objectContaining(fields);

/** Next steps (of an error) whose sentence, as the command line renders it, holds this. */
export const nextSaying = (text: string | RegExp): unknown => ({
  asymmetricMatch: (next: readonly NextStep[]) => {
    const sentence = renderNextSteps(next, {});
    return typeof text === 'string' ? sentence.includes(text) : text.test(sentence);
  },
  toString: () => `next steps saying ${String(text)}`,
});
