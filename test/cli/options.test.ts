import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { renderNextSteps } from '../../src/cli/next-steps.ts';
import { resolveSettings, unknownVariables } from '../../src/cli/options-resolve.ts';
import {
  COMMAND_NAMES,
  EXCLUSIVE,
  OPTIONS,
  OPTION_KEYS,
  type OptionKey,
  takesOption,
  variableOf,
  wordsOf,
} from '../../src/cli/options.ts';
import { HashPool } from '../../src/hash/hash-pool.ts';
import { hashThreads } from '../../src/threads/budget.ts';
import { commandOf, flagsOf, settingsOf, usageErrorOf } from '../support/settings.ts';

/** For each option: words to type, the variable's text, and the setting that both must give. */
const CASES: Readonly<Record<OptionKey, readonly [string, string, unknown]>> = {
  subset: ['ChestDx,viral', 'ChestDx, viral', ['ChestDx', 'viral']],
  file: ['ChestDx-22', 'ChestDx-22', ['ChestDx-22']],
  label: ['Hernia,no finding', 'Hernia, no finding', ['Hernia', 'no finding']],
  allLabels: ['', '1', true],
  withoutLabel: ['Mass', 'Mass', ['Mass']],
  patients: ['ids.txt', 'ids.txt', 'ids.txt'],
  images: ['names.csv', 'names.csv', 'names.csv'],
  limit: ['50', '50', 50],
  perLabel: ['5', '5', 5],
  normals: ['100', '100', 100],
  seed: ['7a', '7a', '7a'],
  from: ['shard-1', 'shard-1', ['shard-1']],
  link: ['copy', 'copy', 'copy'],
  allowWhole: ['', '1', true],
  ratios: [
    'a=.5,b=.5',
    'a=0.5, b=0.5',
    [
      { part: 'a', share: 0.5 },
      { part: 'b', share: 0.5 },
    ],
  ],
  folds: ['5', '5', 5],
  holdout: ['viral', 'viral', ['viral']],
  stratify: ['', '1', true],
  addToIndex: ['', '1', true],
  check: ['a.csv', 'a.csv', ['a.csv']],
  name: ['cv', 'cv', 'cv'],
  to: ['out', 'out', 'out'],
  split: ['cv', 'cv', 'cv'],
  resize: ['512', '512', 512],
  quality: ['80', '80', 80],
  format: ['webp', 'webp', 'webp'],
  cacheKey: ['', '1', true],
  withSecrets: ['', '1', true],
  locked: ['', '1', true],
  lockfile: ['a.lock.json', 'a.lock.json', 'a.lock.json'],
  maxBytes: ['5GB', '5GB', 5e9],
  withImages: ['', '1', true],
  shardSize: ['500M', '500MB', 500e6],
  force: ['', '1', true],
  thumbnails: ['4', '4', 4],
  shard: ['3/8', ' 3/8', { index: 3, count: 8 }],
  host: ['0.0.0.0', '0.0.0.0', '0.0.0.0'],
  port: ['0', '0', 0],
  maxConnections: ['8', '8', 8],
  list: ['', '1', true],
  csv: ['', '1', true],
  noLabels: ['', '1', true],
  bibtex: ['', '1', true],
  dest: ['/data/x', '/data/x', '/data/x'],
  manifest: ['lab.json', 'lab.json', 'lab.json'],
  source: ['https://a.example/x,y', 'https://a.example/x,y', ['https://a.example/x,y']],
  pageUrl: ['https://a.example/p', 'https://a.example/p', 'https://a.example/p'],
  decode: ['', 'on', true],
  header: ['X-Key: a b', 'X-Key: a b', { 'X-Key': 'a b' }],
  headerHost: ['a.example,b:1', 'a.example, b:1', ['a.example', 'b:1']],
  concurrency: ['3', '3', 3],
  connections: ['64', '64', 64],
  limitRate: ['1.5M', '1.5M', 1_500_000],
  retries: ['0', '0', 0],
  timeout: ['2.5', '2.5', 2.5],
  noExtract: ['', 'yes', true],
  noJoin: ['', '1', true],
  deleteArchives: ['', 'true', true],
  lowDisk: ['', 'true', true],
  keepGood: ['', 'true', true],
  noRepair: ['', '1', true],
  quick: ['', 'on', true],
  deep: ['', 'TRUE', true],
  output: ['a.csv', 'a.csv', 'a.csv'],
  strict: ['', '1', true],
  wait: ['', '1', true],
  dryRun: ['', '1', true],
  yes: ['', '1', true],
  noInput: ['', '1', true],
  json: ['', '1', true],
  ndjson: ['', '1', true],
  quiet: ['', '1', true],
  verbose: ['', '1', true],
  noProgress: ['', '1', true],
  color: ['never', 'never', 'never'],
  logFile: ['run.log', 'run.log', 'run.log'],
  notify: ['', '1', true],
  newer: ['', '1', true],
};

describe('every option', () => {
  for (const key of OPTION_KEYS) {
    const [typed, text, expected] = CASES[key];
    const { long, short, value } = OPTIONS[key];
    const words = (flag: string) => (value === undefined ? [flag] : [flag, typed]);
    const extra = commandOf(key) === 'manifest' ? ['dir'] : [];

    it(`${long} is read where it is typed`, () => {
      const argv = [commandOf(key), ...extra, ...words(long)];
      expect(settingsOf(argv)[key]).toEqual(expected);
      if (short !== undefined) {
        expect(settingsOf([commandOf(key), ...extra, ...words(short)])[key]).toEqual(expected);
      }
    });

    it(`${variableOf(key)} is read where nothing is typed`, () => {
      const argv = [commandOf(key), ...extra];
      expect(settingsOf(argv, { [variableOf(key)]: text })[key]).toEqual(expected);
      const byDefault = settingsOf(argv)[key];
      expect(byDefault).not.toEqual(expected);
      expect(settingsOf(argv, { [variableOf(key)]: '' })[key]).toEqual(byDefault);
    });
  }

  it('has a default of its own only where the library has none, and the help shows it', () => {
    const defaults = OPTION_KEYS.map((key) => [key, OPTIONS[key].default] as const);
    expect(Object.fromEntries(defaults)).toMatchObject({
      connections: 'auto',
      retries: 10,
      timeout: 30,
      color: 'auto',
    });
    const settings = settingsOf(['fetch']);
    expect(settings).toMatchObject({ color: 'auto' });
    for (const key of ['connections', 'retries', 'timeout', 'concurrency'] as const) {
      expect(settings[key]).toBeUndefined();
    }
  });

  it.each([
    ['auto', 'auto'],
    ['AUTO:32', { most: 32 }],
    ['auto:1', { most: 1 }],
    ['1', 1],
  ])('--connections %s is a number, or how far it may be looked for', (typed, expected) => {
    const typedThere = settingsOf(['fetch', '--connections', typed]);
    const inVariable = settingsOf(['fetch'], { CCXRI_CONNECTIONS: typed });
    expect([typedThere.connections, inVariable.connections]).toEqual([expected, expected]);
  });

  it('--concurrency has the default that the threads for hashes make', async () => {
    const lanes = (processors: number) => new HashPool({ threads: hashThreads(processors) }).lanes;
    const fact = `${lanes(1)} for each processor, ${lanes(1000)} at most`;
    expect(lanes(2)).toBe(2 * lanes(1));
    for (const command of ['verify', 'manifest'] as const) {
      expect(wordsOf('concurrency', command).default).toBe(fact);
    }
    expect(wordsOf('concurrency', 'fetch').default).toBe(4);
    for (const documented of ['verify/types.ts', 'make-manifest/make-manifest.ts']) {
      const source = await readFile(new URL(`../../src/${documented}`, import.meta.url), 'utf8');
      expect(source, documented).toContain(`/** Files hashed at once. Default: ${fact}. */`);
    }
  });

  it('is refused by commands that have no use for it, also before the command', () => {
    for (const command of COMMAND_NAMES) {
      const extra = command === 'manifest' ? ['dir'] : [];
      for (const key of OPTION_KEYS.filter((each) => !takesOption(command, each))) {
        const { long, short, value, commands = [] } = OPTIONS[key];
        const words = (flag: string) => (value === undefined ? [flag] : [flag, 'x']);
        for (const flag of [long, short].filter((each) => each !== undefined)) {
          const after = usageErrorOf(() => flagsOf(command, ...extra, ...words(flag)));
          expect(after.message, command).toContain(`${command} does not take ${long}: `);
          for (const taker of commands) expect(after.message).toContain(taker);
          expect(renderNextSteps(after.next, {})).toContain(`ccxri help ${command}`);
          const before = usageErrorOf(() => flagsOf(...words(flag), command, ...extra));
          expect(before.message).toBe(after.message);
        }
        // The variable may stay set for the commands that take it.
        expect(() => resolveSettings(command, {}, { [variableOf(key)]: '???' })).not.toThrow();
      }
    }
  });
});

describe('flags and variables', () => {
  it('lets flags win', () => {
    const env = { CCXRI_CONCURRENCY: '2', CCXRI_DEST: '/env', CCXRI_SUBSET: 'viral' };
    const argv = ['fetch', '--concurrency', '7', '--dest', '/typed', '--subset', 'normal'];
    const settings = settingsOf(argv, env);
    expect(settings).toMatchObject({ concurrency: 7, dest: '/typed', subset: ['normal'] });
  });

  it('does not read a variable at all where the flag is typed', () => {
    expect(settingsOf(['fetch', '--retries', '1'], { CCXRI_RETRIES: 'junk' }).retries).toBe(1);
  });

  it('separates sources and headers by newlines, names by commas', () => {
    const env = {
      CCXRI_SOURCE: '/a,b\nhttps://c.example/\n',
      CCXRI_HEADER: 'X-A: 1, 2\nX-B: 3',
      CCXRI_FILE: 'Viral-1, Viral-2',
    };
    expect(settingsOf(['fetch'], env)).toMatchObject({
      source: ['/a,b', 'https://c.example/'],
      header: { 'X-A': '1, 2', 'X-B': '3' },
      file: ['Viral-1', 'Viral-2'],
    });
  });

  it('adds up lists, also those before the command', () => {
    const argv = ['--subset', 'normal', 'fetch', '--subset', 'viral', '--subset', 'other,all'];
    expect(settingsOf(argv).subset).toEqual(['normal', 'viral', 'other', 'all']);
  });

  it('takes common options before the command, the later one counting', () => {
    expect(settingsOf(['--dest', '/a', '-v', 'fetch', '--dest', '/b'])).toMatchObject({
      dest: '/b',
      verbose: true,
    });
  });

  it('refuses two that contradict each other, naming both as they were given', () => {
    for (const [first, second] of EXCLUSIVE) {
      const [a, b] = [OPTIONS[first!].long, OPTIONS[second!].long];
      const command = COMMAND_NAMES.find(
        (name) => takesOption(name, first!) && takesOption(name, second!),
      )!;
      const extra = command === 'manifest' ? ['dir'] : [];
      const typedAs = (key: OptionKey) => [OPTIONS[key].long, CASES[key][0]].filter(Boolean);
      const typed = usageErrorOf(() =>
        settingsOf([command, ...extra, ...typedAs(first!), ...typedAs(second!)]),
      );
      expect(typed.message).toBe(`${a} and ${b} contradict each other`);
      const [varA, varB] = [variableOf(first!), variableOf(second!)];
      const variables = { [varA]: CASES[first!][1], [varB]: CASES[second!][1] };
      const set = usageErrorOf(() => settingsOf([command, ...extra], variables));
      expect(set.message).toBe(`${varA} and ${varB} contradict each other`);
      // What is typed is meant for this run: the variable gives way.
      const words = [command, ...extra, ...typedAs(first!)];
      const settings = settingsOf(words, { [varB]: CASES[second!][1] });
      expect(settings).toEqual(settingsOf(words));
      expect(settings).toMatchObject({ [first!]: CASES[first!][2] });
    }
  });

  it('takes a flag that a variable turns off as not given', () => {
    const settings = settingsOf(['list', '--json'], { CCXRI_NDJSON: '0', CCXRI_QUIET: 'no' });
    expect(settings).toMatchObject({ json: true, ndjson: false, quiet: false });
  });

  it('warns of variables that look like its own, with the nearest name', () => {
    const env = { CCXRI_CONCURENCY: '2', CCXRI_RETRIES: '1', OTHER: 'x', CCXRI_BANANAS: '1' };
    expect(unknownVariables(env)).toEqual([
      'CCXRI_CONCURENCY is no variable of ccxri. Did you mean CCXRI_CONCURRENCY?',
      'CCXRI_BANANAS is no variable of ccxri.',
    ]);
  });
});
