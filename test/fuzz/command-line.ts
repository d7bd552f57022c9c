import fc from 'fast-check';
import { COMMAND_NAMES, OPTION_KEYS, OPTIONS, variableOf } from '../../src/cli/options.ts';

const NUMBERS = [
  ...['0', '1', '4', '64', '65', '-1', '1.5', '007', '1e3', '0x10', 'Infinity', 'NaN', '٣', ''],
  ...[
    '9'.repeat(400),
    '10M',
    '10m',
    '0.5K',
    '1G',
    '1T',
    '999999999G',
    '500',
    '3600',
    '3601',
    '0.9',
  ],
];
const WORDS = [
  ...['yes', 'no', 'true', 'FALSE', 'on', 'off', 'auto', 'never', 'always', 'Always', 'maybe'],
  ...['chestdx', 'ChestDx_PE', 'all', 'chestxd', 'a,b', ',', 'a,,b', ' a ', 'ChestDx-22', 'viral'],
  ...['./data', '/', '..', '~', '-', '--', '-n', '--json', 'page.html', 'https://h.test/{name}'],
  ...['X-Key: S3cr3t', 'X-Key:S3cr3t', 'X Key: x', ': x', 'X-Key:', 'X: a\r\nY: b', 'é: x', 'X: é'],
  ...['__proto__: x', '__proto__', 'constructor', 'toString', 'hasOwnProperty'],
  ...[
    '\0',
    '\n',
    'a\nb',
    '\x1b[2J',
    '\u202e',
    '\ud800',
    "it's",
    '`x`',
    '$(x)',
    '%s',
    'x'.repeat(5000),
  ],
];

const values = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NUMBERS, ...WORDS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 10 }) },
  { weight: 1, arbitrary: fc.nat(100).map(String) },
);
const numbers = fc.oneof(fc.constantFrom(...NUMBERS), fc.nat(100).map(String));

const flags = OPTION_KEYS.flatMap((key) => {
  const { long, short } = OPTIONS[key];
  return short === undefined ? [long] : [long, short];
});

/** What stands for its value in the help; undefined: it takes none. */
function placeOf(flag: string): string | undefined {
  const key = OPTION_KEYS.find((name) => [OPTIONS[name].long, OPTIONS[name].short].includes(flag));
  return key === undefined ? undefined : OPTIONS[key].value;
}

/** A flag as it is, cut, run together, negated, mistyped. */
const options: fc.Arbitrary<readonly string[]> = fc
  .record({
    flag: fc.constantFrom(...flags, '--help', '-h', '--version', '-V'),
    value: values,
    number: numbers,
    form: fc.oneof(
      { weight: 6, arbitrary: fc.constant('spaced' as const) },
      { weight: 3, arbitrary: fc.constantFrom('glued', 'alone') },
      { weight: 1, arbitrary: fc.constantFrom('cut', 'typo', 'negated', 'run together') },
    ),
  })
  .map(({ flag, value: word, number, form }) => {
    const place = placeOf(flag);
    const value = ['N', 'S', 'RATE'].includes(place ?? '') ? number : word;
    switch (form) {
      case 'spaced':
        return place === undefined ? [flag] : [flag, value];
      case 'glued':
        return [`${flag}=${value}`];
      case 'alone':
        return [flag];
      case 'cut':
        return [flag.slice(0, -1)];
      case 'typo':
        return [`${flag.slice(0, 3)}x${flag.slice(3)}`, value];
      case 'negated':
        return [flag.replace(/^--/, '--no-')];
      case 'run together':
        return [`-nqv${flag.replace(/^-+/, '')}`];
    }
  });

const commands = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...COMMAND_NAMES, 'help') },
  { weight: 1, arbitrary: fc.constantFrom('fecth', 'FETCH', '', '__proto__', 'exit-codes', 'all') },
);

/** Without the two words that start Node. */
export const commandLines: fc.Arbitrary<readonly string[]> = fc
  .record({
    before: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(options, { maxLength: 2 }) },
    ),
    command: fc.option(commands, { freq: 15, nil: undefined }),
    behind: fc.array(options, { maxLength: 4 }),
    rest: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(values, { maxLength: 2 }) },
      { weight: 1, arbitrary: fc.array(values, { maxLength: 2 }).map((more) => ['--', ...more]) },
    ),
  })
  .map(({ before, command, behind, rest }) => [
    ...before.flat(),
    ...(command === undefined ? [] : [command]),
    ...behind.flat(),
    ...rest,
  ]);

const variables = fc.constantFrom(
  ...OPTION_KEYS.map(variableOf),
  ...[
    'CCXRI_CONCURENCY',
    'CCXRI_',
    'CCXRI_\x1b[2J',
    'ccxri_json',
    'NO_COLOR',
    'CI',
    'TERM',
    'PATH',
  ],
);

export const environments: fc.Arbitrary<Readonly<Record<string, string>>> = fc.oneof(
  fc.constant({}),
  fc.dictionary(variables, values, { maxKeys: 3 }),
);
