import { OPTION_KEYS, OPTIONS, variableOf } from './options.ts';
import type { OptionKey } from './options-schema.ts';

/** `-o, --output FILE` */
export function usageOf(key: OptionKey): string {
  const { long, short, value } = OPTIONS[key];
  return `${short === undefined ? '' : `${short}, `}${long}${value === undefined ? '' : ` ${value}`}`;
}

/** Every option with its variable, as a Markdown table for the README. */
export function optionsMarkdown(): string {
  const rows = OPTION_KEYS.map((key) => {
    const { help, commands } = OPTIONS[key];
    const where = commands === 'all' ? 'all' : commands.join(', ');
    const cells = [`\`${usageOf(key)}\``, `\`${variableOf(key)}\``, where, describe(key, help)];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| option | variable | commands | |', '| --- | --- | --- | --- |', ...rows, ''].join(
    '\n',
  );
}

/** `ccxri help options`. */
export function variablesHelp(): string {
  const width = Math.max(...OPTION_KEYS.map((key) => usageOf(key).length)) + 2;
  const lines = OPTION_KEYS.map((key) => `  ${usageOf(key).padEnd(width)}${variableOf(key)}`);
  return [
    'Every option has its variable; flags win.',
    'Flags take 1 or 0, true or false, yes or no. Several subsets or files are parted by commas,',
    'several sources or headers by line ends.',
    '',
    ...lines,
    '',
  ].join('\n');
}

export function describe(key: OptionKey, help: string): string {
  const { default: byDefault } = OPTIONS[key];
  return byDefault === undefined ? help : `${help} (default: ${byDefault})`;
}
