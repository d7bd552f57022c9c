import assert from 'node:assert/strict';
import { renderNextSteps } from '../../src/cli/next-steps.ts';
import { renderError } from '../../src/cli/render-error.ts';
import { toJson } from '../../src/cli/report.ts';
import { View } from '../../src/cli/view.ts';
import type { CcxriError } from '../../src/errors.ts';

/** By Unicode's own classes, not by ccxri's list: controls, what turns text round, line ends. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;
const VIEW = new View({ width: 100, color: false, verbose: true });
/** A person reads it. */
const MOST_CHARACTERS = 10_000;

/** Whether a terminal shows a text as it is, and nothing in it acts. */
export function isSafe(text: string): boolean {
  return !UNSAFE.test(text);
}

/** An error that may be shown: it says something, nothing foreign in it acts, and it is JSON. */
export function assertPresentable(error: CcxriError): void {
  const { code, message, next, facts } = error;
  assert.notEqual(message, '', `${code} without a message`);
  const values: readonly unknown[] = Object.values(facts);
  const texts = [message, renderNextSteps(next, {}), ...values.flat()].filter(isText);
  for (const text of texts) {
    assert(isSafe(text), `unsafe in a message: ${JSON.stringify(text)}`);
    assert(text.length <= MOST_CHARACTERS, `${text.length} characters in a message`);
  }
  const line = toJson(error, 0);
  const read: unknown = JSON.parse(line);
  assert(typeof read === 'object' && read !== null && 'code' in read && read.code === code);
  assert(!line.includes('\n'));
  assert(isSafe(renderError(error, VIEW).replaceAll('\n', '')), 'unsafe when it is printed');
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
