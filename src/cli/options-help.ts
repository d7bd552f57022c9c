import { OPTIONS, OPTION_KEYS, type OptionKey, usageOf, variableOf } from './options.ts';

/** `ccxri help options`. */
export function variablesHelp(): string {
  const width = Math.max(...OPTION_KEYS.map((key) => usageOf(key).length)) + 2;
  const lines = OPTION_KEYS.map((key) => `  ${usageOf(key).padEnd(width)}${variableOf(key)}`);
  return [
    'Every option has its variable; flags win.',
    'Flags take 1 or 0, true or false, yes or no. Separate subsets, files and hosts by commas,',
    'sources and headers by newlines.',
    '',
    ...lines,
    '',
  ].join('\n');
}

/** The help of an option, with its default. */
export function describeOption(key: OptionKey): string {
  const { default: byDefault, help } = OPTIONS[key];
  return byDefault === undefined ? help : `${help} (default: ${byDefault})`;
}
