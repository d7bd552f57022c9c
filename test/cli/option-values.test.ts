import { describe, expect, it } from 'vitest';
import { renderNextSteps } from '../../src/cli/next-steps.ts';
import { OPTIONS, type OptionKey, variableOf } from '../../src/cli/options.ts';
import { commandOf, settingsOf, usageErrorOf } from '../support/settings.ts';

describe('wrong values', () => {
  const WRONG: readonly (readonly [OptionKey, string])[] = [
    ['subset', 'a,,b'],
    ['concurrency', '0'],
    ['concurrency', '65'],
    ['concurrency', '4.5'],
    ['connections', 'many'],
    ['connections', '0'],
    ['connections', '65'],
    ['connections', 'auto:'],
    ['connections', 'auto:0'],
    ['connections', 'auto:65'],
    ['connections', 'auto:4.5'],
    ['connections', '8:16'],
    ['limitRate', '10Mb/s'],
    ['limitRate', '10Mbit'],
    ['limitRate', '10MB/h'],
    ['limitRate', '999'],
    ['retries', '-1'],
    ['timeout', '0.5'],
    ['timeout', '3601'],
    ['color', 'sometimes'],
    ['header', 'no colon'],
    ['header', 'X-A: a\u0007'],
    ['dest', ''],
  ];
  it.each(WRONG)('%s: %j is refused with the form that it takes', (key, value) => {
    const { long, expects } = OPTIONS[key];
    const error = usageErrorOf(() => settingsOf([commandOf(key), `${long}=${value}`]));
    expect(error.message).toContain(`${long} takes ${expects}`);
    expect(error.facts.expected).toBe(expects);
    // Of a variable, empty parts are passed over.
    if (value === '' || key === 'subset') return;
    const variable = variableOf(key);
    const inEnv = usageErrorOf(() => settingsOf([commandOf(key)], { [variable]: value }));
    expect(inEnv.message).toContain(`${variable} takes ${expects}`);
  });

  it.each([
    ['10M', 10_000_000],
    ['10MB', 10_000_000],
    ['10MB/s', 10_000_000],
    ['10 MB/s', 10_000_000],
    ['10mb', 10_000_000],
    ['10MBps', 10_000_000],
    ['500kB/s', 500_000],
    ['1.5MiB/s', 1_572_864],
    ['8Mi', 8_388_608],
    ['2000', 2000],
  ])('--limit-rate %s is %d bytes per second', (typed, expected) => {
    expect(settingsOf(['fetch', '--limit-rate', typed]).limitRate).toBe(expected);
  });

  it.each([
    [['fetch', '--limit-rate', '10Mbit'], 'say --limit-rate 1.25M, or '],
    [['fetch', '--limit-rate', '80Mb/s'], 'say --limit-rate 10M, or '],
    [['fetch', '--timeout', '30s'], 'say --timeout 30, or '],
    [['fetch', '--timeout', '2min'], 'say --timeout 120, or '],
    [['list', '--color', 'allways'], 'say --color always, or '],
    [['list', '--color', 'no'], 'say --color never, or '],
    [['fetch', '--connections', 'max'], 'say --connections 64, or '],
    [['fetch', '--retries', 'x'], 'run `ccxri help fetch`'],
  ])('%j: the value that is meant', (argv, hint) => {
    const error = usageErrorOf(() => settingsOf(argv));
    expect(renderNextSteps(error.next, {})).toContain(hint);
  });

  it('expands ~ where the shell has left it, and refuses that of somebody else', () => {
    const env = { HOME: '/home/ada', CCXRI_OUTPUT: '~/i.csv' };
    const argv = ['fetch', '--dest=~/cxr', '--source', '~/mirror', '--source', 'https://x/~/'];
    expect(settingsOf(argv, env)).toMatchObject({
      dest: '/home/ada/cxr',
      source: ['/home/ada/mirror', 'https://x/~/'],
    });
    expect(settingsOf(['join'], env).output).toBe('/home/ada/i.csv');
    expect(settingsOf(['join', '--dest', '~'], env).dest).toBe('/home/ada');
    expect(settingsOf(['join', '--dest', './~/x'], env).dest).toBe('./~/x');
    for (const [typed, world] of [
      ['~bob/x', env],
      ['~/x', {}],
    ] as const) {
      const error = usageErrorOf(() => settingsOf(['join', '--dest', typed], world));
      expect(error.message).toContain(typed);
      expect(renderNextSteps(error.next, {})).toContain(`./${typed}`);
    }
  });

  it('never shows the value of a header', () => {
    const error = usageErrorOf(() => settingsOf(['fetch', '--header', 'Token s3cret']));
    expect(JSON.stringify([error.message, error.facts, error.next])).not.toContain('s3cret');
    expect(error.message).toContain('not shown');
  });

  it('refuses a switch that is neither on nor off', () => {
    const error = usageErrorOf(() => settingsOf(['fetch'], { CCXRI_STRICT: 'maybe' }));
    expect(error.message).toBe('CCXRI_STRICT takes 1 or 0, true or false, yes or no; got "maybe"');
  });
});
