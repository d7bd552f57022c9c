import { Command, CommanderError, Option } from 'commander';
import { CcxriError } from '../errors.ts';
import { quoteForShell, toPrintable } from '../text.ts';
import { COMMANDS } from './command-table.ts';
import type { CommandSpec } from './command.ts';
import { exitCodesHelp, exitCodesText } from './exit-codes.ts';
import type { RawOptions } from './options-resolve.ts';
import {
  COMMAND_NAMES,
  type CommandName,
  OPTIONS,
  OPTION_KEYS,
  type OptionKey,
  type RawValue,
  describeOption,
  takesOption,
  usageOf,
  variablesHelp,
} from './options.ts';
import { readVersion, versionDetails } from './version.ts';

/** What a command line asks for. */
export type Request =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'command';
      readonly command: CommandName;
      readonly flags: RawOptions;
      readonly argument: string | undefined;
    };

/**
 * Reads a command line, without the two words that start Node.
 * @throws CcxriError `usage`, with the nearest name where something was mistyped
 */
export function parseCommandLine(argv: readonly string[], width: number): Request {
  const texts: string[] = [];
  const requests: Request[] = [];
  const program = createProgram(texts, requests, width);
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const isHelp = error.exitCode === 0 || (error.code === 'commander.help' && argv.length === 0);
    if (!isHelp) throw toUsageError(error, argv);
    const isVerbose = argv.includes('-v') || argv.includes('--verbose');
    if (error.code === 'commander.version' && isVerbose) texts.push(versionDetails());
  }
  return requests[0] ?? { kind: 'text', text: texts.join('') };
}

/** A fresh program for each run: nothing of one command line stays for the next. */
function createProgram(texts: string[], requests: Request[], width: number): Command {
  const program = new Command('ccxri');
  program
    .description('Downloads, checks, extracts and joins the CC-CXRI chest X-ray dataset.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => texts.push(text),
      writeErr: (text) => texts.push(text),
      outputError: () => undefined,
      getOutHelpWidth: () => Math.min(width, 100),
      getErrHelpWidth: () => Math.min(width, 100),
    })
    // Common options may stand before the command too; the command's own come after it.
    .enablePositionalOptions()
    .version(
      readVersion(),
      '-V, --version',
      'print the version (with -v, also the digest of its manifest)',
    )
    .helpOption('-h, --help', 'print the help')
    .helpCommand(false)
    .addHelpText('after', rootHelp());
  for (const key of OPTION_KEYS) {
    if (OPTIONS[key].commands === undefined) program.addOption(toOption(key).hideHelp());
  }
  for (const name of COMMAND_NAMES) addCommand(program, COMMANDS[name], requests);
  program
    .command('help')
    .argument('[topic]', 'a command, exit-codes, or options')
    .description('print the help of a command or topic')
    .action((topic: string | undefined) => showHelp(program, topic, texts));
  return program;
}

function addCommand(program: Command, spec: CommandSpec, requests: Request[]): void {
  const command = program.command(spec.name).description(spec.summary);
  const own = OPTION_KEYS.filter((key) => takesOption(spec.name, key));
  const options = own.map((key) => [key, toOption(key)] as const);
  for (const [, option] of options) command.addOption(option);
  if (spec.argument !== undefined) command.argument(spec.argument.usage, spec.argument.help);
  const examples = spec.examples.map(([line, what]) => `  ${line}\n      ${what}`);
  command.addHelpText('after', ['', 'Examples:', ...examples].join('\n'));
  command.action(() => {
    const flags = mergeFlags(flagsOf(program, options), flagsOf(command, options));
    requests.push(toRequest(spec, flags, command.args[0]));
  });
}

function toRequest(spec: CommandSpec, flags: RawOptions, argument: string | undefined): Request {
  const base = { kind: 'command', command: spec.name } as const;
  const key = spec.argument?.option;
  if (key === undefined || argument === undefined) return { ...base, flags, argument };
  const { long } = OPTIONS[key];
  if (flags[key] !== undefined && flags[key] !== argument) {
    throw new CcxriError(
      'usage',
      `${long} and ${toPrintable(argument, 80)} contradict each other`,
      {
        hint: `${spec.argument?.usage ?? ''} is the same as ${long}: leave one of them away`,
      },
    );
  }
  return { ...base, flags: { ...flags, [key]: argument }, argument };
}

function toOption(key: OptionKey): Option {
  const { list, value } = OPTIONS[key];
  // The quotes of 'NAME: VALUE' are for the help's reader; commander takes <name>.
  const place = value === undefined ? '' : ` <${value.replaceAll("'", '').toLowerCase()}>`;
  const flags = usageOf(key).replace(value === undefined ? /$/ : ` ${value}`, place);
  const option = new Option(flags, describeOption(key));
  if (list !== undefined) {
    option.argParser((item: string, before: readonly string[] | undefined) => [
      ...(before ?? []),
      item,
    ]);
  }
  return option;
}

/** What was typed, by key. Commander files `--no-extract` as `extract: false`. */
function flagsOf(command: Command, options: readonly (readonly [OptionKey, Option])[]): RawOptions {
  const values: Readonly<Record<string, unknown>> = command.opts();
  const flags: Partial<Record<OptionKey, RawValue>> = {};
  for (const [key, option] of options) {
    const value = values[option.attributeName()];
    if (option.negate) {
      if (value === false) flags[key] = true;
    } else if (isRaw(value)) flags[key] = value;
  }
  return flags;
}

function isRaw(value: unknown): value is RawValue {
  return value === true || typeof value === 'string' || Array.isArray(value);
}

/** Options before the command and after it: lists are added up, else the later one counts. */
function mergeFlags(before: RawOptions, after: RawOptions): RawOptions {
  const merged: Partial<Record<OptionKey, RawValue>> = { ...before, ...after };
  for (const key of OPTION_KEYS) {
    const [first, second] = [before[key], after[key]];
    if (typeof first === 'object' && typeof second === 'object')
      merged[key] = [...first, ...second];
  }
  return merged;
}

function rootHelp(): string {
  return [
    '',
    'Start here:',
    '  ccxri demo                     see the whole way on a small made-up release',
    '  ccxri list                     the subsets and their sizes',
    '  ccxri fetch --subset chestdx   get one, into ./cc-cxri',
    '',
    '`ccxri help COMMAND` shows the options of a command, `ccxri help options` their variables.',
    '',
    exitCodesText().trimEnd(),
  ].join('\n');
}

function showHelp(program: Command, topic: string | undefined, texts: string[]): void {
  const command = program.commands.find((candidate) => candidate.name() === topic);
  if (topic === undefined) program.outputHelp();
  else if (command !== undefined) command.outputHelp();
  else if (topic === 'exit-codes') texts.push(exitCodesHelp());
  else if (topic === 'options') texts.push(variablesHelp());
  else {
    throw new CcxriError('usage', `there is no help on "${toPrintable(topic, 80)}"`, {
      hint: `topics are: ${[...COMMAND_NAMES, 'exit-codes', 'options'].join(', ')}`,
    });
  }
}

function toUsageError(error: CommanderError, argv: readonly string[]): CcxriError {
  if (error.code === 'commander.help') {
    return new CcxriError('usage', 'no command was given', { hint: '`ccxri --help` shows them' });
  }
  const bare = error.code === 'commander.excessArguments' ? optionWithoutValue(argv) : undefined;
  if (bare !== undefined) {
    return new CcxriError('usage', `${bare} needs a value`, {
      hint: `${helpFor(argv)} shows what it takes`,
    });
  }
  const text = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return new CcxriError('usage', toPrintable(text), { hint: hintFor(error, argv) });
}

/** `--source --dest d5`: the next option was taken for the value, and its own value for a word. */
function optionWithoutValue(argv: readonly string[]): string | undefined {
  const keyOf = (word: string | undefined) => OPTION_KEYS.find((key) => OPTIONS[key].long === word);
  return argv.find((word, at) => {
    const key = keyOf(word);
    const takesValue = key !== undefined && OPTIONS[key].value !== undefined;
    return takesValue && keyOf(argv[at + 1]) !== undefined;
  });
}

function helpFor(argv: readonly string[]): string {
  const command = COMMAND_NAMES.find((name) => argv.includes(name));
  return command === undefined ? '`ccxri --help`' : `\`ccxri help ${command}\``;
}

function hintFor(error: CommanderError, argv: readonly string[]): string {
  const command = COMMAND_NAMES.find((name) => argv.includes(name));
  const help = helpFor(argv);
  if (error.code === 'commander.excessArguments') {
    const meant = commandMeant(argv, command);
    if (meant !== undefined) return `did you mean \`${meant}\`? See ${help}`;
    return `subsets and files are named by options: --subset NAME, --file NAME; see ${help}`;
  }
  const typed = /unknown option '(--[a-z-]+)/.exec(error.message)?.[1];
  const key = OPTION_KEYS.find((name) => OPTIONS[name].long === typed);
  const owners = key === undefined ? undefined : OPTIONS[key].commands;
  if (owners === undefined) return `${help} shows what there is`;
  return `${typed ?? ''} is an option of ${owners.join(', ')}; see ${help}`;
}

/** `ccxri fetch chestdx`: words alone behind a command that takes subsets. */
function commandMeant(
  argv: readonly string[],
  command: CommandName | undefined,
): string | undefined {
  const [name, ...words] = argv;
  if (command === undefined || name !== command || !takesOption(command, 'subset'))
    return undefined;
  if (COMMANDS[command].argument !== undefined) return undefined;
  if (words.some((word) => word.startsWith('-'))) return undefined;
  const options = words.map((word) => {
    const kind = /\d|\.(?:zip|csv)$/i.test(word) ? '--file' : '--subset';
    return ` ${kind} ${quoteForShell(toPrintable(word, 80))}`;
  });
  return `ccxri ${command}${options.join('')}`;
}
