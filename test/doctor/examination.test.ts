import { expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Examination, ok } from '../../src/doctor/examination.ts';
import { CcxriError } from '../../src/errors.ts';
import { ignoreEvents } from '../../src/events.ts';

const never = new Promise<number>(() => undefined);

function begin(deadlineMs: number, signal?: AbortSignal): Examination {
  return new Examination({ clock: systemClock, onEvent: ignoreEvents, signal, deadlineMs });
}

it('a failure is a row, and what a check found is given back', async () => {
  const examination = begin(10_000);
  const error = new CcxriError('network', 'no way', {
    reasons: ['a', 'b'],
    next: [{ kind: 'again' }],
  });
  const subject = { part: 'network', source: 'there' } as const;
  expect(
    await examination.attempt(subject, 'names', () => Promise.reject<number>(error)),
  ).toBeUndefined();
  expect(await examination.attempt(subject, 'names', () => Promise.resolve(7))).toBe(7);
  expect(examination.rows).toEqual([
    {
      ...subject,
      ...{ check: 'names', status: 'problem', seen: 'no way; a; b', code: 'network' },
      next: [{ kind: 'again' }],
    },
  ]);
});

it.each([
  ['network', 'problem', 'stalled'],
  ['destination', 'problem', 'disk-io'],
  ['machine', 'warning', undefined],
] as const)('a check of the %s that hangs is a %s, and is ended', async (part, status, code) => {
  const examination = begin(20);
  let signal: AbortSignal | undefined;
  const hang = (given: AbortSignal) => {
    signal = given;
    return never;
  };
  expect(await examination.attempt({ part }, 'memory', hang)).toBeUndefined();
  expect(signal?.aborted).toBe(true);
  expect(examination.rows).toMatchObject([{ status, seen: 'no answer within 0 s' }]);
  expect(examination.rows[0]?.code).toBe(code);
});

it('what comes after the end of the time is not begun', async () => {
  const examination = begin(0);
  let begun = 0;
  const work = () => Promise.resolve((begun += 1));
  expect(await examination.attempt({ part: 'network' }, 'source', work)).toBeUndefined();
  expect(begun).toBe(0);
  expect(examination.rows[0]?.seen).toContain('not looked at');
});

// Without the stop it would end after 20 seconds.
it('a stop and a bug are thrown', async () => {
  const stop = new AbortController();
  const examination = begin(600_000, stop.signal);
  const bug = new TypeError('a bug');
  const subject = { part: 'network' } as const;
  await expect(examination.attempt(subject, 'wall', () => Promise.reject(bug))).rejects.toBe(bug);
  const waiting = examination.attempt(subject, 'wall', () => never);
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  examination.add(subject, 'wall', ok('x'));
  expect(examination.rows).toHaveLength(1);
}, 10_000);
