import {
  type CommandName,
  OPTIONS,
  OPTION_KEYS,
  type OptionKey,
  usageOf,
  variableOf,
  wordsOf,
} from './options.ts';

/** `ccxri help options`. */
export function variablesHelp(): string {
  const width = Math.max(...OPTION_KEYS.map((key) => usageOf(key).length)) + 2;
  const lines = OPTION_KEYS.map((key) => `  ${usageOf(key).padEnd(width)}${variableOf(key)}`);
  return [
    'Every option has its variable; options that are typed win. A command passes over the',
    'variables of options that it does not take. Flags take 1 or 0, true or false, yes or no.',
    'Separate subsets, files and hosts by commas, sources and headers by newlines.',
    '',
    ...lines,
    '',
  ].join('\n');
}

/** The help of an option, in the words of a command, with its default. */
export function describeOption(key: OptionKey, command: CommandName): string {
  const { default: byDefault, help } = wordsOf(key, command);
  return byDefault === undefined ? help : `${help} (default: ${byDefault})`;
}

/** The commands that take an option, in words: `fetch, links and doctor`. */
export function takersOf(key: OptionKey): string {
  const { commands = [] } = OPTIONS[key];
  return new Intl.ListFormat('en', { type: 'conjunction' }).format(commands);
}
