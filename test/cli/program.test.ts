import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/command-table.ts';
import { renderNextSteps } from '../../src/cli/next-steps.ts';
import { COMMAND_NAMES, OPTION_KEYS, takesOption, usageOf } from '../../src/cli/options.ts';
import { TOPICS } from '../../src/cli/help.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { OLDEST_NODE, isNodeNewEnough } from '../../src/cli/version.ts';
import { readVersion } from '../../src/fs/package-version.ts';
import { CcxriError } from '../../src/errors.ts';
import { nextSaying } from '../support/matchers.ts';

function textOf(...argv: readonly string[]): string {
  const request = parseCommandLine(argv, 80);
  if (request.kind !== 'text') throw new Error(`is the command ${request.command}`);
  return request.text;
}

function errorOf(...argv: readonly string[]): CcxriError {
  try {
    parseCommandLine(argv, 80);
  } catch (error) {
    if (error instanceof CcxriError) return error;
    throw error;
  }
  throw new Error('no error was thrown');
}

const hintOf = (...argv: readonly string[]) => renderNextSteps(errorOf(...argv).next, {});

describe('help', () => {
  it('is what a bare `ccxri` and `ccxri --help` show: 24 lines that end with how to start', () => {
    expect(textOf()).toBe(textOf('--help'));
    expect(textOf('help')).toBe(textOf('--help'));
    for (const name of COMMAND_NAMES) {
      const line = COMMANDS[name].isRare ? `^  also .*\\b${name}\\b` : `^  ${name} +\\w`;
      expect(textOf('-h')).toMatch(new RegExp(line, 'm'));
    }
    const lines = textOf().trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(23);
    expect(lines.at(-1)).toContain('ccxri fetch --subset');
    expect(textOf()).toContain('exit-codes');
  });

  it.each(COMMAND_NAMES)('of %s names its options, and no others, with an example', (name) => {
    const text = textOf('help', name);
    expect(textOf(name, '--help')).toBe(text);
    for (const key of OPTION_KEYS) {
      const flag = usageOf(key)
        .split(' ')
        .find((word) => word.startsWith('--'))!;
      const shown = new RegExp(`^ +(?:-\\w, )?${flag}(?: |$)`, 'm').test(text);
      expect(shown, flag).toBe(takesOption(name, key));
    }
    for (const [line] of COMMANDS[name].examples) expect(text).toContain(line);
  });

  it('fits 80 columns, and is as test/cli/help-screens.txt shows it', async () => {
    const pages = [[], ...[...COMMAND_NAMES, ...Object.keys(TOPICS)].map((each) => ['help', each])];
    const screens = pages.map((argv) => `$ ccxri ${argv.join(' ')}\n${textOf(...argv)}`).join('\n');
    expect(screens.split('\n').filter((line) => line.length > 80)).toEqual([]);
    await expect(screens).toMatchFileSnapshot('help-screens.txt');
  });

  it('of fetch is grouped, what holds everywhere last', () => {
    const headings = [...textOf('fetch', '-h').matchAll(/^([A-Z][\w ,]+):$/gm)].map(
      ([, each]) => each,
    );
    expect(headings).toEqual([
      'Arguments',
      'What',
      'Where from',
      'Where to',
      'Network',
      'After the download',
      'Output, as for every command',
      'Examples',
    ]);
    const everywhere = textOf('list', '-h').split('Output, as for every command:')[1];
    for (const flag of ['--json', '--ndjson', '-q', '-v', '--color', '-y', '--no-input', '-h']) {
      expect(everywhere).toContain(`  ${flag}`);
    }
  });

  it('shows several commands one after the other', () => {
    expect(textOf('help', 'fetch', 'extract')).toBe(
      `${textOf('help', 'fetch')}\n${textOf('help', 'extract')}`,
    );
  });

  it('has the topics exit-codes and options', () => {
    expect(textOf('help', 'exit-codes')).toContain('143');
    expect(textOf('help', 'options')).toContain('CCXRI_LIMIT_RATE');
    const error = errorOf('help', 'nonsense\u001b[2J');
    expect(error.message).toBe('there is no help on "nonsense\\x1b[2J"');
    expect(error.next).toEqual(nextSaying('exit-codes'));
    expect(hintOf('help', 'download')).toContain('`ccxri help fetch`');
    expect(textOf('help', 'sources')).toContain('{name}');
  });

  it('prints the version', () => {
    expect(textOf('--version')).toBe(`${readVersion()}\n`);
    expect(textOf('-V')).toBe(textOf('--version'));
    expect(textOf('version')).toBe(textOf('--version'));
    expect(textOf('version', '-v')).toBe(textOf('--version', '-v'));
    expect(readVersion()).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('usage errors', () => {
  it.each([
    [['fetsh'], /unknown command 'fetsh'/],
    [['fetch', '--subest', 'viral'], /unknown option '--subest'.*Did you mean --subset/],
    [['fetch', '--dest'], /option '--dest <dir>' argument missing/],
    [['fetch', 'viral', 'normal'], /too many arguments/],
    [['fetch', '--source', '--dest', 'd5'], /--source needs a value/],
    [['fetch', '--json', '--source', '--dest', 'd5'], /--source needs a value/],
    [['manifest'], /missing required argument/],
    [['list', '-x'], /unknown option '-x'/],
    [['verify', 'a', 'b'], /too many arguments/],
    [['--subset', 'viral'], /no command was given/],
  ] as const)('%j', (argv, message) => {
    const error = errorOf(...argv);
    expect(error.code).toBe('usage');
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('\n');
    expect(error.next).toEqual(nextSaying(/ccxri help|--subset NAME|topics are/));
  });

  it.each([
    [['fetsh', '--subset', 'viral'], 'run `ccxri fetch --subset viral`, or run `ccxri help`'],
    [['download', '--subset', 'all', '-n'], 'run `ccxri fetch --subset all -n`, or '],
    [
      ['-n', 'download'],
      'run `ccxri -n fetch --subset NAME` (`ccxri list` shows the subsets), or ',
    ],
    [['dl', 'viral', '-n'], 'run `ccxri fetch --subset viral -n`, or '],
    [['install', 'ChestDx_3', 'all'], 'run `ccxri fetch --file ChestDx_3 --subset all`, or '],
    [['get', 'covid', '--dest', 'viral'], 'run `ccxri fetch --label COVID-19 --dest viral`, or '],
    [['get', 'folder', '--file=Viral-1'], 'run `ccxri fetch folder --file=Viral-1`, or '],
    [['download', '--header', 'X-Key: s3cret'], 'run `ccxri fetch …`, or '],
    [['ls'], 'run `ccxri list`, or '],
    [['check', 'viral'], 'run `ccxri verify --subset viral`, or '],
    [['check'], 'run `ccxri verify`, or '],
    [['unzip'], 'run `ccxri extract`, or '],
    [['covid'], 'run `ccxri fetch --label COVID-19` for its images alone'],
    [['Covid-19'], 'run `ccxri fetch --label COVID-19`'],
    [['hernia'], 'run `ccxri fetch --label Hernia` for its images alone'],
    [['no_finding'], 'run `ccxri fetch --label No_Finding`'],
    [['ChestDx_PE'], 'run `ccxri fetch --subset ChestDx_PE`, or '],
    [['chestdx-3'], 'run `ccxri fetch --file chestdx-3`, or '],
    [['-v'], 'run `ccxri --version` for the version, or '],
    [['fetch', '--version'], 'run `ccxri --version`, or '],
    [['fetch', '--output-dir', 'x'], 'use --dest DIR, or '],
    [['fetch', '-o', 'x'], 'name the directory with --dest DIR, or '],
    [['fetch', '-j', '8'], 'use --concurrency N, or '],
    [['fetch', '--mirror=x'], 'use --source WHERE, or '],
    [['list', '--mirror=x'], 'run `ccxri help list`'],
    [['query', '--finding', 'hernia'], 'use --label NAME'],
    [['fetch', '--force'], 'leave it out'],
    [['bananas'], 'run `ccxri help` to see the commands'],
  ] as const)('%j: what was meant', (argv, hint) => {
    expect(hintOf(...argv)).toContain(hint);
    expect(hintOf(...argv)).not.toContain('s3cret');
  });

  it('says whose option it is', () => {
    expect(errorOf('list', '--deep').message).toBe(
      'list does not take --deep: it is an option of verify',
    );
    expect(errorOf('list', '-n').message).toContain('list does not take --dry-run: ');
    expect(errorOf('--wait', 'list').message).toBe(
      'list does not take --wait: it is an option of fetch, repair, members, adopt, and extract',
    );
    expect(hintOf('list', '--deep')).toBe(
      'leave it out, or run `ccxri help list` to see its options',
    );
  });

  it('names subsets and files as options where they were given as words', () => {
    expect(hintOf('fetch', 'chestdx', 'viral')).toBe(
      'run `ccxri fetch --subset chestdx --subset viral`, or run `ccxri help fetch` to see its options',
    );
    expect(hintOf('manifest', 'a', 'b')).toContain('--subset NAME');
    expect(hintOf('fetch', 'chestdx', 'viral', '-n')).toContain('--subset NAME');
    const two = hintOf('fetch', 'ChestDx-22', '$(x)');
    expect(two).toContain("`ccxri fetch --file ChestDx-22 --dest '$(x)'`");
    expect(hintOf('fetch', 'mydata', 'viral')).toContain(
      '`ccxri fetch --subset viral --dest mydata`',
    );
    expect(hintOf('verify', 'viral', 'chestdxx')).toContain('--subset viral --subset chestdxx`');
    expect(hintOf('fetch', 'one', 'two')).toContain('`ccxri fetch --subset one --subset two`');
  });

  it('escapes what was typed', () => {
    expect(errorOf('fetch', '--\u001b]8;;x').message).not.toContain('\u001b');
  });
});

describe('the positional argument', () => {
  it.each(COMMAND_NAMES.filter((name) => !['manifest', 'export', 'adopt'].includes(name)))(
    'of %s is the dataset directory',
    (command) => {
      const request = parseCommandLine([command, 'here'], 80);
      expect(request).toMatchObject({ command, flags: { dest: 'here' }, directory: 'here' });
    },
  );

  it('of adopt are places to look through', () => {
    const request = parseCommandLine(['adopt', 'here', 'there'], 80);
    expect(request).toMatchObject({ command: 'adopt', flags: {}, args: ['here', 'there'] });
  });

  it('of verify may say the same as --dest, and nothing else', () => {
    expect(parseCommandLine(['verify', 'a', '--dest', 'a'], 80)).toMatchObject({
      flags: { dest: 'a' },
    });
    expect(errorOf('verify', 'a', '--dest', 'b').message).toContain('contradict');
  });

  it('may begin with - after --', () => {
    expect(parseCommandLine(['verify', '--', '-odd'], 80)).toMatchObject({
      flags: { dest: '-odd' },
    });
    expect(errorOf('verify', '-odd').message).toContain("unknown option '-odd'");
    expect(parseCommandLine(['manifest', '--', '--json'], 80)).toMatchObject({
      argument: '--json',
      flags: {},
    });
  });
});

describe('#171 the oldest Node', () => {
  it.each([
    ['20.19.0', true],
    ['20.19.5', true],
    ['22.0.0', true],
    ['100.1.2', true],
    ['20.18.9', false],
    ['18.20.8', false],
    ['9.99.99', false],
  ])('%s: %s', (version, expected) => {
    expect(isNodeNewEnough(version)).toBe(expected);
  });

  it('is that of package.json', async () => {
    const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
    expect(`>=${OLDEST_NODE}`).toBe(`${(JSON.parse(text) as Package).engines.node}.0`);
  });
});

interface Package {
  readonly engines: { readonly node: string };
}
