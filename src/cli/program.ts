import { Command, CommanderError, Option } from 'commander';
import { CcxriError, type NextStep } from '../errors.ts';
import { toPrintable } from '../text.ts';
import { COMMANDS } from './command-table.ts';
import { commandMeant } from './guesses.ts';
import { TOPICS, describeOption, rootHelp } from './help.ts';
import {
  COMMAND_NAMES,
  type CommandName,
  OPTIONS,
  OPTION_KEYS,
  type OptionKey,
  type RawOptions,
  type RawValue,
  takesOption,
  usageOf,
  wordsOf,
} from './options.ts';
import { GROUPS } from './options-spec.ts';
import { notTaken, optionWithoutValue, toUsageError, valueMissing } from './usage-errors.ts';
import { wrapProse } from './view.ts';
import { readVersion } from '../fs/package-version.ts';
import { versionDetails } from './version.ts';

/** What a command line asks for. */
export type Request =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'command';
      readonly command: CommandName;
      readonly flags: RawOptions;
      readonly argument: string | undefined;
      /** All positional arguments, of a command that takes several. */
      readonly args: readonly string[];
      /** The argument, where it is the dataset directory; undefined: none was typed. */
      readonly directory?: string | undefined;
    };

/**
 * Reads a command line, without the two words that start Node.
 * @throws CcxriError `usage`, with the nearest name of a mistyped one
 */
export function parseCommandLine(argv: readonly string[], width: number): Request {
  const texts: string[] = [];
  const requests: Request[] = [];
  const program = createProgram({ argv, texts, requests, width });
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const isHelp = error.exitCode === 0 || (error.code === 'commander.help' && argv.length === 0);
    if (!isHelp) throw toUsageError(error, argv);
    const isVerbose = argv.includes('-v') || argv.includes('--verbose');
    if (error.code === 'commander.version' && isVerbose) texts.push(versionDetails());
  }
  const [request] = requests;
  if (request?.kind === 'command' && request.directory !== undefined) {
    const bare = optionWithoutValue(argv);
    if (bare !== undefined) throw valueMissing(bare, request.command);
  }
  return request ?? { kind: 'text', text: texts.join('') };
}

interface Parsing {
  readonly argv: readonly string[];
  /** What is to be printed. */
  readonly texts: string[];
  readonly requests: Request[];
  readonly width: number;
}

/** A new program for each run, so that no state of one command line is left for the next. */
function createProgram({ argv, texts, requests, width }: Parsing): Command {
  const program = new Command('ccxri');
  program
    .description('Downloads, checks, extracts and joins the CC-CXRI chest X-ray dataset.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => texts.push(text),
      writeErr: (text) => texts.push(text),
      outputError: () => undefined,
      getOutHelpWidth: () => Math.min(width, 80),
      getErrHelpWidth: () => Math.min(width, 80),
    })
    // Options may come before the command too.
    .enablePositionalOptions()
    .version(
      readVersion(),
      '-V, --version',
      'print the version (with -v, also the digest of its manifest)',
    )
    .helpOption('-h, --help', 'print the help')
    .helpCommand(false);
  for (const key of OPTION_KEYS) program.addOption(toOption(key).hideHelp());
  const typed = new Set(argv.map((word) => word.toLowerCase()));
  for (const name of COMMAND_NAMES) {
    const command = program.command(name).description(COMMANDS[name].summary);
    // Of the others no more than that is asked: 500 options would be made for nothing at each start.
    if (typed.has(name)) setUpCommand({ program, command, requests }, name);
  }
  program
    .command('help')
    .argument('[topics...]', `commands, or ${Object.keys(TOPICS).join(', ')}`)
    .description('print the help of commands or topics')
    .action((topics: readonly string[]) => showHelp(program, topics, texts));
  // As other programs have it.
  program
    .command('version', { hidden: true })
    .option('-v, --verbose')
    .action(({ verbose }: { readonly verbose?: true }) => {
      texts.push(`${readVersion()}\n`, verbose === true ? versionDetails() : '');
    });
  // Last: the commands keep their own form.
  program.configureHelp({ formatHelp: rootHelp });
  return program;
}

interface Adding extends Pick<Parsing, 'requests'> {
  readonly program: Command;
  readonly command: Command;
}

function setUpCommand({ program, command, requests }: Adding, name: CommandName): void {
  const { argument, examples } = COMMANDS[name];
  const own = OPTION_KEYS.filter((key) => takesOption(name, key));
  const groupOf = (key: OptionKey) => GROUPS.indexOf(wordsOf(key, name).group);
  own.sort((a, b) => groupOf(a) - groupOf(b));
  const options = own.map((key) => [key, toOption(key, name)] as const);
  for (const [, option] of options) command.addOption(option);
  command.addHelpOption(
    new Option('-h, --help', 'print the help').helpGroup('Output, as for every command:'),
  );
  if (argument !== undefined) command.argument(argument.usage, argument.help);
  const lines = examples.map(([line, what]) => `  ${line}\n      ${what}`);
  command.addHelpText('after', ['', 'Examples:', ...lines].join('\n'));
  command.action(() => {
    assertTaken(program, name);
    const flags = flagsOf([program, command], options);
    requests.push(toRequest(name, flags, command.args));
  });
}

function toRequest(command: CommandName, flags: RawOptions, args: readonly string[]): Request {
  const [argument] = args;
  const { usage, option: key } = COMMANDS[command].argument ?? {};
  const request = { kind: 'command', command, flags, argument, args } as const;
  if (usage === undefined || key === undefined || argument === undefined) return request;
  const { long } = OPTIONS[key];
  if (flags[key] !== undefined && flags[key] !== argument) {
    const message = `${long} and ${toPrintable(argument, 80)} contradict each other`;
    const text = `${usage} is the same as ${long}: give only one of them`;
    throw new CcxriError('usage', message, { next: [{ kind: 'advice', text }] });
  }
  const directory = key === 'dest' ? argument : undefined;
  return { ...request, directory, flags: { ...flags, [key]: argument } };
}

/** An option before the command, which only others take. */
function assertTaken(program: Command, command: CommandName): void {
  for (const key of OPTION_KEYS) {
    const { [key]: typed } = flagsOf([program, program], [[key, toOption(key)]]);
    if (typed !== undefined && !takesOption(command, key)) throw notTaken(key, command);
  }
}

function toOption(key: OptionKey, command?: CommandName): Option {
  const { list, value } = OPTIONS[key];
  // The quotes of 'NAME: VALUE' are for the reader of the help; commander takes <name>.
  const place = value === undefined ? '' : ` <${value.replaceAll("'", '').toLowerCase()}>`;
  const flags = usageOf(key).replace(value === undefined ? /$/ : ` ${value}`, place);
  const help = command === undefined ? '' : describeOption(key, command);
  const option = new Option(flags, help);
  if (command !== undefined) option.helpGroup(`${wordsOf(key, command).group}:`);
  if (list !== undefined) {
    option.argParser((item: string, before: readonly string[] | undefined) => [
      ...(before ?? []),
      item,
    ]);
  }
  return option;
}

/** What was typed before the command and after it: lists are joined, of others the later counts. */
function flagsOf(
  commands: readonly [Command, Command],
  options: readonly (readonly [OptionKey, Option])[],
): RawOptions {
  const flags: Partial<Record<OptionKey, RawValue>> = {};
  for (const [key, option] of options) {
    const [before, after] = commands.map((command) => rawOf(command, option));
    const isList = typeof before === 'object' && typeof after === 'object';
    const value = isList ? [...before, ...after] : (after ?? before);
    if (value !== undefined) flags[key] = value;
  }
  return flags;
}

/** Commander stores `--no-extract` as `extract: false`. */
function rawOf(command: Command, option: Option): RawValue | undefined {
  const value: unknown = command.getOptionValue(option.attributeName());
  if (option.negate) return value === false ? true : undefined;
  return value === true || typeof value === 'string' || isTexts(value) ? value : undefined;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}

/** One help after the other: `ccxri help fetch extract`. */
function showHelp(program: Command, topics: readonly string[], texts: string[]): void {
  if (topics.length === 0) program.outputHelp();
  for (const [at, typed] of topics.entries()) {
    const topic = typed.toLowerCase();
    const command = program.commands.find((candidate) => candidate.name() === topic);
    if (at > 0) texts.push('\n');
    if (command !== undefined) command.outputHelp();
    else if (topic in TOPICS) texts.push(wrapProse(TOPICS[topic]?.() ?? '', 80, ' '.repeat(12)));
    else throw unknownTopic(typed);
  }
}

function unknownTopic(typed: string): CcxriError {
  const meant = commandMeant(typed);
  const text = `topics are: ${[...COMMAND_NAMES, ...Object.keys(TOPICS)].join(', ')}`;
  const list: NextStep = { kind: 'advice', text };
  return new CcxriError('usage', `there is no help on "${toPrintable(typed, 80)}"`, {
    next: [
      meant === undefined ? list : { kind: 'run', command: 'help', argument: meant, or: list },
    ],
  });
}
